"""The share that a canary is given, against the share that was asked for, over 20,000 requests."""

from benchmarks.figure import Figure
from benchmarks.generator import Generator
from benchmarks.place import app, installation

REQUESTS = 20_000


def run() -> list[Figure]:
    """Measure three shares, with two and three copies of the releases."""
    figures: list[Figure] = []
    with installation() as place:
        folder = app(place, "bird", extra="scale: {web: 3}\n")
        place.ok("start", "-e", "mine", cwd=folder)
        for number, asked in enumerate((5, 20, 50)):
            (folder / "text").write_text(f"{number}")
            place.ok("deploy", "-e", "mine", "--canary", str(asked), cwd=folder)
            load = {}
            releases: dict[str, int] = {}
            while sum(releases.values()) < REQUESTS:
                load = Generator(place.http_port, "bird.mine.localhost", 8, 16).wait()
                for name, count in load["releases"].items():
                    releases[name] = releases.get(name, 0) + count
            newest = max(releases, key=lambda name: int(name[1:]))
            share = 100 * releases[newest] / sum(releases.values())
            figures.append(
                Figure(
                    what=f"share of {sum(releases.values()):,} requests",
                    value=share,
                    unit="%",
                    against=f"asked {asked} %",
                    ratio=share / asked,
                    goal="within 1 point",
                    holds=abs(share - asked) <= 1,
                )
            )
            place.ok("abort", "-e", "mine", cwd=folder)
            _await_end(place)
    return figures


def _await_end(place) -> None:
    from tests.e2e.installation import wait_for

    def ended() -> bool:
        member = place.json("envs", "show", "mine")["members"][0]
        return member["deployment"]["phase"] == "aborted"

    wait_for(ended)
