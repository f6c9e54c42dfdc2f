"""What Prometheus is told of what the router refused."""

from types import SimpleNamespace
from typing import Any

from prometheus_client import generate_latest

from headway.api.metrics import observe
from headway.model.route import RouterView


async def test_what_no_copy_could_take_is_a_counter_of_its_app(plane):
    view = RouterView(refused={"demo~1.shop.http": 3, "demo~1.shop.tcp": 1, "demo~1.pay.http": 2})

    async def seen() -> RouterView:
        return view

    outside: Any = SimpleNamespace(view=seen)
    plane.world.router = outside
    told = generate_latest(await observe(plane.world, plane.dispatch)).decode()
    assert "# TYPE headway_router_refused_total counter" in told
    assert 'headway_router_refused_total{app="shop",environment="demo"} 4.0' in told
    assert 'headway_router_refused_total{app="pay",environment="demo"} 2.0' in told
