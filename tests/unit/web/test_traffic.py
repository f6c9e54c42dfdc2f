from headway.model.manifest import Protocol
from headway.model.route import Route, Target, Traffic
from headway.web.traffic import shares


def target(container: str, release: int, weight: int) -> Target:
    return Target(container=container, host="127.0.0.1", port=1, weight=weight, release=release)


def route(*targets: Target, expose: str = "http") -> Route:
    return Route(
        environment="demo~1", app="web", expose=expose, protocol=Protocol.HTTP, targets=targets
    )


def test_shares_follow_the_weights_and_what_was_counted_is_added_up():
    found = shares(
        [route(target("a", 1, 40), target("b", 1, 40), target("c", 2, 20))],
        {
            "a": Traffic(requests=90, errors=1, response_ms=10.0),
            "b": Traffic(requests=10, response_ms=20.0),
            "other": Traffic(requests=999),
        },
        "demo~1",
        "web",
    )
    assert [(row.release, row.percent, row.containers) for row in found] == [
        (2, 20.0, 1),
        (1, 80.0, 2),
    ]
    assert (found[1].requests, found[1].errors, found[1].response_ms) == (100, 1, 15.0)
    assert found[1].error_percent == 1.0


def test_a_route_whose_targets_take_no_requests_has_no_shares_of_anything():
    assert shares([route(target("a", 1, 0))], {}, "demo~1", "web")[0].percent == 0


def test_an_app_without_a_route_has_none():
    assert shares([route(target("a", 1, 1))], {}, "demo~2", "web") == ()
