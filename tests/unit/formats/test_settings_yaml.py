"""Settings: defaults, units, and every kind of mistake with its place."""

import msgspec
import pytest

from headway.formats.settings_yaml import parse_settings, rendered
from headway.model.settings import RouterLimits, Settings


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "{}"])
def test_nothing_set_is_the_defaults(text):
    parsed = parse_settings(text)
    assert (parsed.value, parsed.problems) == (Settings(), ())


def test_values_are_read_with_their_units():
    parsed = parse_settings(
        "environments-max: 5\nsource_bytes_max: 1GiB\nlease_max_s: 2d\nrouter: {tunnel_s: 2h}\n"
    )
    assert parsed.problems == ()
    assert parsed.value == Settings(
        environments_max=5,
        source_bytes_max=1024**3,
        lease_max_s=2 * 86400,
        router=RouterLimits(tunnel_s=7200),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("enviroments_max: 5", ["settings.yaml:1:1: unknown key", "did you mean"]),
        ("apps_max: many", ["settings.yaml:1:11: apps_max must be a whole number, not many"]),
        ("apps_max: 0", ["from 1 to 100000"]),
        ("apps_max: 1\napps_max: 2", ["2:1"]),
        ("router: {idle_s: 1d}\nevents_kept: x", ["1:18: router.idle_s", "2:14: events_kept"]),
        ("tcp_port_first: 9000", ["1:1: tcp_port_first 9000 is behind tcp_port_last 7999"]),
        ("- a", ["the file must be a mapping, not a list"]),
        ("a: [", ["settings.yaml:"]),
    ],
)
def test_mistakes_are_told_all_at_once_with_their_places(text, said):
    from headway.model.problem import render_problem

    parsed = parse_settings(text)
    assert parsed.value is None
    told = "\n".join(map(render_problem, parsed.problems))
    for words in said:
        assert words in told


def test_every_setting_is_explained_and_can_be_set():
    fields = {field.name for field in msgspec.structs.fields(Settings)} - {"router"}
    fields |= {f"router.{field.name}" for field in msgspec.structs.fields(RouterLimits)}
    rows = {key: (value, default, doc) for key, value, default, doc in rendered(Settings())}
    assert set(rows) == fields
    for key, (value, default, doc) in rows.items():
        assert value == default
        assert doc.endswith("."), key
        owner, _, name = key.rpartition(".")
        text = f"{owner}: {{{name}: {value}}}" if owner else f"{name}: {value}"
        assert parse_settings(text).value == Settings(), key
