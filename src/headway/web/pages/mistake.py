"""The page of something that went wrong: what, why, and what to do next."""

from headway.model.view.refusal import Refusal
from headway.web.page import View


class MistakePage(View, kw_only=True):
    """What was refused or failed."""

    refusal: Refusal

    @property
    def title(self) -> str:
        """Its name."""
        return f"{self.refusal.status} {self.refusal.title}"
