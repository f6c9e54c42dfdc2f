"""What `headway pools` says."""

import msgspec

from headway.cli.pools import _in_file, _next, _show
from headway.model.ids import PoolName
from headway.model.pool import NodeType, Pool, Scaling, Window
from headway.model.problem import Problem
from headway.model.view.pool import PoolView
from headway.model.view.refusal import Refusal


def test_mistakes_in_a_document_name_the_file_that_was_given():
    problem = Problem(file="pool.yaml", line=3, column=1, message="unknown key 'lat'")
    refusal = Refusal(
        type="t", title="T", status=422, detail="mistakes", code="pool-invalid", problems=(problem,)
    )
    assert [row.file for row in _in_file(refusal, "ci.yaml").problems] == ["ci.yaml"]


def test_the_list_has_a_word_where_the_pool_has_sentences():
    pending = PoolView(pool=Pool(name=PoolName("ci")), ready=0, pending=("x" * 400, "y"))
    assert _next(pending) == "pending: headway pools show ci"
    flagged = msgspec.structs.replace(pending, flags=("z",))
    assert _next(flagged) == "flagged: headway pools show ci"
    assert _next(PoolView(pool=Pool(), ready=1)) == "as it should be"


def test_times_with_other_bounds_are_shown(capsys):
    night = Window(cron="0 19 * * *", length_s=43200, timezone="Europe/Berlin", nodes_max=3)
    pool = Pool(
        types=(NodeType(name="s", cpu=1, memory_mib=512),), scaling=Scaling(windows=(night,))
    )
    _show(PoolView(pool=pool, ready=0))
    said = "window   at most 3 nodes for 12h from 0 19 * * * (Europe/Berlin)"
    assert said in capsys.readouterr().out
