"""What of /proc a container does not see: said where it is set up, and again in a zygote's sandbox.

A zygote's files stand alone in its outer sandbox, so neither can import the other's list.
"""

from headway.engines.process import inside
from headway.engines.process.zygote import drop


def test_a_run_of_a_zygote_sees_no_more_of_the_machine_than_any_other_container():
    assert set(drop._MASKED) == set(inside.MASKED)
