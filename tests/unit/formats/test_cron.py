"""What cron expressions and time zones are read as, and what is said of wrong ones."""

import re

import pytest

from headway.formats.cron import parse_cron, timezone_problem


def plain(text: str, name: str = "shop/tidy") -> str:
    read = parse_cron(text, name=name)
    assert not read.problems, read.problems
    assert read.value.written == " ".join(text.split())
    return read.value.plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/5 * * * *", "*/5 * * * *"),
        ("  0   3 * *  1 ", "0 3 * * 1"),
        ("0 9-17/2 * jan,MAR mon-fri", "0 9-17/2 * 1,3 1-5"),
        ("0 0 * * fri-sun", "0 0 * * 5-7"),
        ("0 0 * * 7", "0 0 * * 7"),
        ("05 00 * * *", "5 0 * * *"),
        ("50-50/4 0 * * *", "50 0 * * *"),
        ("0 0 L * *", "0 0 L * *"),
        ("0 0 lw * *", "0 0 LW * *"),
        ("0 0 * * fri#2,monl", "0 0 * * 5#2,1L"),
        ("@hourly", "0 * * * *"),
        ("@Daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("0 0 29 2 *", "0 0 29 2 *"),
        ("0 0 30 2 mon", "0 0 30 2 1"),
    ],
)
def test_an_expression_becomes_plain_numbers(text, expected):
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "empty", "five fields"),
        ("0 3 * *", "has 4 fields", ""),
        ("0 */5 * * * *", "has 6 fields", "seconds cannot be chosen: '*/5 * * * *'"),
        ("0 3 * * * 2027", "has 6 fields", "years cannot be chosen: '0 3 * * *'"),
        ("60 * * * *", "minute of '60 * * * *': 60 is not from 0 to 59", ""),
        ("0 24 * * *", "hour of", ""),
        ("0 0 0 * *", "day of '0 0 0 * *': 0 is not from 1 to 31", ""),
        ("0 0 * 13 *", "month of", ""),
        ("0 0 * * 8", "weekday of", ""),
        ("0 0 * * mno", "'mno' is not a number or a name", "did you mean 'mon'?"),
        ("0 0 * jann *", "'jann'", "did you mean 'jan'?"),
        ("0 mon * * *", "hour of '0 mon * * *': 'mon' is not a number", ""),
        ("0 22-2 * * *", "runs backwards", "write '22-23,0-2'"),
        ("5/15 * * * *", "has a step, and no range", "write '5-59/15'"),
        ("*/0 * * * *", "step of 0", ""),
        ("*/90 * * * *", "step of 90", "starts anew"),
        ("*/x * * * *", "'x' is not a number", ""),
        ("*/ * * * *", "a step is missing", ""),
        ("0 0 1,,2 * *", "comma", ""),
        ("0 0 1- * *", "a number is missing", ""),
        ("0 0 ? * *", "'?' is not known", "write '*'"),
        ("H(0-70) * * * *", "70 is not from 0 to 59", ""),
        ("H(9-3) * * * *", "runs backwards", ""),
        ("@dayly", "unknown word", "did you mean '@daily'?"),
        ("@reboot", "is no time", "service"),
        ("@every 5m", "is no time", "'*/5 * * * *'"),
    ],
)
def test_what_is_wrong_is_said(text, message, hint):
    read = parse_cron(text, name="shop/tidy")
    assert read.value is None
    assert message in read.problems[0].message
    assert hint in read.problems[0].hint


def test_all_wrong_fields_are_told_at_once():
    problems = parse_cron("61 25 * * *", name="shop/tidy").problems
    assert [row.message.split()[0] for row in problems] == ["minute", "hour"]


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("0 0 30 2 *", "February has no day 30"),
        ("0 0 31 apr *", "April has no day 31"),
        ("0 0 31 2,4,6,9,11 *", "no date has day 31"),
        ("0 0 */30 * 1#3", "no date has"),
    ],
)
def test_what_never_comes_is_refused(text, because):
    (problem,) = parse_cron(text, name="shop/tidy").problems
    assert "never comes" in problem.message
    assert because in problem.message


def test_h_stays_the_same_for_a_name():
    assert plain("H H H H H") == plain("H H H H H")
    assert plain("H H * * *", "a") != plain("H H * * *", "b")


def test_h_spreads_over_its_field_and_stays_inside():
    chosen = [int(plain("H * * * *", f"n{n}").split()[0]) for n in range(1000)]
    assert set(chosen) == set(range(60))
    assert max(chosen.count(value) for value in range(60)) < 40
    part = {int(plain("H(10-19) * * * *", f"n{n}").split()[0]) for n in range(300)}
    assert part == set(range(10, 20))
    assert {int(plain("0 0 H * *", f"n{n}").split()[2]) for n in range(500)} == set(range(1, 29))


def test_h_with_a_step_begins_at_a_value_of_its_own():
    found = {plain("H/15 * * * *", f"n{n}").split()[0] for n in range(300)}
    assert found == {f"{first}-59/15" for first in range(15)}
    inside = {plain("H(0-29)/10 * * * *", f"n{n}").split()[0] for n in range(200)}
    assert inside == {f"{first}-29/10" for first in range(10)}
    wide = {plain("H/45 * * * *", f"n{n}").split()[0] for n in range(500)}
    assert {int(re.match(r"\d+", row)[0]) for row in wide} == set(range(45))


@pytest.mark.parametrize("text", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "EST5EDT"])
def test_a_time_zone_is_one(text):
    assert timezone_problem(text) is None


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("europe/berlin", "'Europe/Berlin'"),
        ("Berlin", "'Europe/Berlin'"),
        ("New York", "'America/New_York'"),
        ("Europe/Belrin", "'Europe/Berlin'"),
        ("UTC+2", "named after places"),
        ("", "named after places"),
        ("../../etc/passwd", "named after places"),
        ("right/UTC", "named after places"),
        ("localtime", "named after places"),
        ("\0", "named after places"),
    ],
)
def test_what_is_no_time_zone_is_said_with_a_hint(text, hint):
    assert hint in timezone_problem(text).hint
