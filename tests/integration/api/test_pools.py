"""Pools over HTTP, on this machine, which lends nothing."""

from tests.integration.api.control_plane import wait_for

DOCUMENT = "{name: trial, types: [{name: m, cpu: 4, memory: 8GiB}], scaling: {nodes_min: 1}}"


def test_a_pool_is_declared_shown_scaled_and_removed(client):
    made = client.post("/v1/pools", json={"document": DOCUMENT})
    assert made.status_code == 200, made.text
    assert made.json()["next"][0]["verb"] == "pool.add"
    wait_for(lambda: "--lend 50" in "".join(client.get("/v1/pools/trial").json()["pending"]))
    assert [row["pool"]["name"] for row in client.get("/v1/pools").json()] == ["default", "trial"]
    scaled = client.post("/v1/pools/trial/scale", json={"nodes_min": 0, "nodes_max": 3})
    assert scaled.json()["pool"]["scaling"]["nodes_max"] == 3
    told = client.get("/v1/why", params={"thing": "trial"}).json()["happened"]
    assert told[0]["event"]["kind"] == "pool.declared"
    assert client.delete("/v1/pools/trial").status_code == 200
    gone = client.get("/v1/pools/trial")
    assert (gone.status_code, gone.json()["code"]) == (404, "pool-unknown")


def test_a_document_with_mistakes_is_refused_with_all_of_them(client):
    text = "name: X\nscaling: {nodes_max: 0, warm: lots}\n"
    refused = client.post("/v1/pools", json={"document": text})
    assert refused.status_code == 422
    assert [problem["line"] for problem in refused.json()["problems"]] == [1, 2, 2]


def test_a_machine_that_costs_nothing_is_not_rebalanced(client):
    plan = client.get("/v1/rebalance").json()
    assert plan["nodes"] == []
    assert "costs nothing" in plan["left"][0]
    refused = client.post("/v1/rebalances", json={"nodes": ["nowhere"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "rebalance-outdated")
    assert client.get("/v1/rebalances").json() == []
    unknown = client.post("/v1/rebalances/reb-1/cancel")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "rebalance-unknown")


def test_a_pool_that_nobody_declared_is_explained_by_its_nodes(client):
    told = client.get("/v1/why", params={"thing": "default"}).json()
    assert told["state"] == "1 node"
    assert told["next"] == ["headway pools show default"]
