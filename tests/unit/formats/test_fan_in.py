import pytest

from headway.formats.fan_in import fanned_in
from headway.model.schedule import Schedule


def schedules(**after: str) -> list[Schedule]:
    """Make schedules of the job `extract`, but for `report`; their `after` is a text of names."""
    return [
        Schedule(
            name=name,
            job="report" if name == "report" else "extract",
            cron="0 6 * * *",
            after=tuple(names.split()),
        )
        for name, names in after.items()
    ]


def afters(**after: str) -> dict[str, tuple[str, ...]]:
    found, troubles = fanned_in(schedules(**after))
    assert troubles == ()
    return {row.name: row.after for row in found}


def test_a_job_stands_for_all_its_schedules():
    assert afters(report="extract", east="", west="")["report"] == ("east", "west")
    assert afters(report="west extract", east="", west="")["report"] == ("west", "east")


def test_a_schedule_comes_before_a_job_of_its_name():
    assert afters(report="extract", extract="", west="")["report"] == ("extract",)


def test_a_schedule_may_follow_the_others_of_its_own_job():
    assert afters(east="", last="extract")["last"] == ("east",)


@pytest.mark.parametrize(
    ("after", "where", "message"),
    [
        ({"report": "est", "east": ""}, "report", "there is no schedule est, and none of a job"),
        ({"report": "report"}, "report", "wait for one another: report → report"),
        ({"a": "b", "b": "c", "c": "a", "d": ""}, "a", "a → b → c → a"),
        ({"d": "a", "a": "b", "b": "a"}, "a", "a → b → a"),
    ],
)
def test_what_cannot_be_is_said(after, where, message):
    (trouble,) = fanned_in(schedules(**after))[1]
    assert trouble.schedule == where
    assert message in trouble.message


def test_what_is_near_is_offered():
    (trouble,) = fanned_in(schedules(report="esat", east=""))[1]
    assert trouble.hint == "did you mean east?"
