"""Layers of a graph, and what of a large one is shown."""

from headway.calculate.focus import in_focus
from headway.calculate.layers import layered


def test_what_is_needed_is_right_of_all_that_need_it() -> None:
    edges = [("web", "api"), ("api", "db"), ("web", "db"), ("mail", "db")]
    found = layered(["db", "mail", "web", "api"], edges)
    layer = {place.node: place.layer for place in found.places}
    assert all(layer[begin] < layer[end] for begin, end in edges)


def test_lines_that_need_not_cross_do_not() -> None:
    found = layered("abcxyz", [("a", "z"), ("b", "y"), ("c", "x")])
    rank = {place.node: place.rank for place in found.places}
    assert [rank[end] for _, end in sorted((rank[a], b) for a, b in ("az", "by", "cx"))] == [
        0,
        1,
        2,
    ]


def test_a_line_over_several_layers_has_a_place_in_each() -> None:
    found = layered("abc", [("a", "b"), ("b", "c"), ("a", "c")])
    long = next(line for line in found.lines if (line.begin, line.end) == ("a", "c"))
    assert [place.layer for place in long.places] == [0, 1, 2]
    middle = next(place for place in found.places if place.node == "b")
    assert long.places[1].rank != middle.rank
    assert found.heights == (1, 2, 1)


def test_a_circle_is_drawn_with_one_line_that_leads_back() -> None:
    found = layered("abc", [("a", "b"), ("b", "c"), ("c", "a")])
    back = [line for line in found.lines if line.places[0].node != line.begin]
    assert [(line.begin, line.end) for line in back] == [("c", "a")]


def test_edges_of_nodes_that_are_not_there_and_to_oneself_are_left_out() -> None:
    found = layered("ab", [("a", "b"), ("a", "b"), ("a", "a"), ("b", "ghost")])
    assert [(line.begin, line.end) for line in found.lines] == [("a", "b")]


def test_nothing_has_no_layers() -> None:
    assert layered([], []).heights == ()


def test_of_many_nodes_the_wrong_ones_and_their_neighbours_are_shown() -> None:
    nodes = [f"n{number}" for number in range(100)]
    edges = [("n5", "n6"), ("n4", "n5"), ("n50", "n51")]
    assert in_focus(nodes, edges, ["n5"], 60) == {"n4", "n5", "n6"}


def test_no_more_are_shown_than_may_be_the_worst_first() -> None:
    nodes = [f"n{number:02}" for number in range(100)]
    assert in_focus(nodes, [], nodes[::-1], 60) == set(nodes[40:])
