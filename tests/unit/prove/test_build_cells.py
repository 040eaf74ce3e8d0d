"""From nothing to a proved image with its name, and everything that must keep the name away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes import Answer, FakeEngine, contract_output, failing
from tests.small_project import (
    CELL,
    NAME,
    OTHER,
    THIRD,
    build,
    edit,
    good_engine,
    good_session,
    identity,
    printed,
    write_kinds,
    write_project,
)

from holoenzyme.build.images import stage_limit
from holoenzyme.engine.base import BuildFailed, RunRequest
from holoenzyme.errors import InfrastructureError, InternalError, UserError
from holoenzyme.evidence.judge.outcome import Outcome
from holoenzyme.evidence.record import Record
from holoenzyme.prove.images import ProvedCell
from holoenzyme.prove.proof import evidence
from holoenzyme.session import Project, Session

STAGES = {"packages-llvm", "packages-rustc", "enzyme", "rustc", "toolchain"}


def engine_of(session: Session) -> FakeEngine:
    assert isinstance(session.engine, FakeEngine)
    return session.engine


def records(session: Session) -> list[Record]:
    return [Record.model_validate_json(path.read_text()) for path in sorted(evidence(session).path.glob("*.json"))]


@pytest.fixture
def session(small_project: Project, tmp_path: Path) -> Session:
    return good_session(small_project, tmp_path / "state")


def at(session: Session, root: Path) -> Session:
    """The same machine, and the project folder `root` as it is now."""
    return replace(session, project=Project(root))


@pytest.fixture
def built(session: Session) -> ProvedCell:
    """The default cell, built and proved; what was asked of the engine for it is forgotten."""
    (built,) = build(session, [])
    engine_of(session).forget()
    return built


def test_from_nothing_to_a_proved_image(session: Session) -> None:
    engine = engine_of(session)
    (built,) = build(session, [])
    assert built.name == NAME and NAME in engine.tags
    assert engine.built[:2] == ["base", "archive"]
    assert set(engine.built[2:]) == STAGES
    assert engine.steps() == ["packages", "identity", "compile", "run", "contract"]
    assert built.record is not None and [built.record] == records(session)
    assert built.record.outcome is Outcome.PASS
    assert [(c.got, c.ok, c.rule) for c in built.record.comparisons] == [(3.14159265, True, "exact")]
    assert [(step.name, step.outcome) for step in built.record.steps] == [
        (name, Outcome.PASS) for name in ("identity", "compile", "run", "contract")
    ]
    node = built.node
    image = engine.image(NAME)
    assert image is not None
    assert (built.record.image.name, built.record.image.id) == (node.image, image.id)
    assert built.record.image.input_hash == node.input_hash
    assert built.record.versions["rustc"] == "rustc 1.96.0 (x)"
    assert built.record.versions["libLLVM of libEnzyme"] == "libLLVM.so.22.1 b1"
    assert not any((session.state / "builds").glob("*/")), "contexts of builds that went well are gone"


def test_a_stage_may_take_three_times_the_largest_budget(session: Session, tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    edit(
        root / "matrix.yaml",
        "target: sm_90\n    status: supported\n    budget: {compressed_mb: 200, build_minutes: 10}",
        "target: sm_90\n    status: supported\n    budget: {compressed_mb: 200, build_minutes: 20}",
    )
    build(at(session, root), [CELL])
    requests = {build.stage: build.request for build in engine_of(session).builds}
    assert {requests[stage].timeout for stage in STAGES} == {3 * 10 * 60.0}
    build(at(session, root), [CELL, OTHER], rebuild=True)
    requests = {build.stage: build.request for build in engine_of(session).builds}
    assert {requests[stage].timeout for stage in STAGES} == {3 * 20 * 60.0}


def test_the_second_build_does_nothing(session: Session, built: ProvedCell) -> None:
    (again,) = build(session, [])
    assert (engine_of(session).builds, engine_of(session).runs) == ([], [])
    assert again.record is None
    assert again.record_path == built.record_path
    assert engine_of(session).questions <= 5, "each question costs the no-op build its time"


def test_cells_share_stages_and_each_is_proved(session: Session) -> None:
    both = build(session, ["distro-*"])
    assert [item.cell.id for item in both] == [CELL, OTHER]
    assert sorted(engine_of(session).built[2:]) == sorted([*STAGES, "toolchain"])
    assert {item.name for item in both} <= engine_of(session).tags
    assert sorted(record.cell for record in records(session)) == [CELL, OTHER]


def test_cells_whose_images_differ_in_nothing_have_one_image_with_their_names(session: Session, tmp_path: Path) -> None:
    session, engine = at(session, write_kinds(tmp_path / "project")), engine_of(session)
    found = build(session, [OTHER, THIRD])
    assert sorted(engine.built[2:]) == sorted(STAGES), "built once"
    images = [engine.image(item.name) for item in found]
    assert [item.name for item in found] == [f"holoenzyme/toolchain:{cell}" for cell in (OTHER, THIRD)]
    assert images[0] is not None and images[0] == images[1]
    assert sorted(record.cell for record in records(session)) == sorted([OTHER, THIRD]), "each is proved"
    engine.forget()
    (host,) = build(session, [CELL])
    assert engine.builds == [] and host.record is not None, "nothing is left to build for another kind, only to prove"
    engine.forget()
    build(session, [CELL, OTHER, THIRD])
    assert (engine.builds, engine.runs) == ([], [])


def test_a_cell_that_is_not_proved_has_no_name_on_an_image_that_others_share(session: Session, tmp_path: Path) -> None:
    root, engine = write_kinds(tmp_path / "project"), engine_of(session)
    edit(
        root / "images/toolchain/image.yaml", 'name: licence, run: "cat', f'name: licence, cells: [{THIRD}], run: "cat'
    )

    def contract(request: RunRequest) -> Answer:
        rules = 2 if "copyright" in " ".join(request.argv) else 1
        return Answer(stdout=contract_output(*[("rustc 1.96.0 (x)", 0), ("", 1)][:rules]))

    engine.answers["contract"] = contract
    with pytest.raises(InternalError, match=f"{THIRD} is not proved"):
        build(at(session, root), [OTHER, THIRD])
    assert {tag for tag in engine.tags if tag.startswith("holoenzyme/toolchain:")} == {f"holoenzyme/toolchain:{OTHER}"}


def test_proving_can_be_asked_for(session: Session, built: ProvedCell) -> None:
    (again,) = build(session, [], prove_again=True)
    assert engine_of(session).builds == []
    assert again.record is not None and again.record_path != built.record_path
    assert len(records(session)) == 2


def test_everything_can_be_built_anew_but_the_base(session: Session, built: ProvedCell) -> None:
    build(session, [], rebuild=True)
    assert set(engine_of(session).built) - {"archive"} == STAGES
    assert all(build.request.no_cache for build in engine_of(session).builds)


def test_a_stage_may_take_three_times_the_budget_of_its_cell(session: Session) -> None:
    build(session, [])
    limits = {build.stage: build.request.timeout for build in engine_of(session).builds if build.stage in STAGES}
    assert limits == dict.fromkeys(STAGES, 1800.0), "ten minutes in matrix.yaml, in seconds, three times"


def test_the_largest_budget_counts_and_an_hour_where_there_is_none() -> None:
    assert stage_limit([10, 45, 20]) == 8100.0
    assert stage_limit([]) == 10800.0


def test_a_tag_alone_proves_nothing(session: Session, built: ProvedCell) -> None:
    for path in evidence(session).path.glob("*.json"):
        path.unlink()
    (again,) = build(session, [])
    assert again.record is not None
    assert engine_of(session).steps() == ["identity", "compile", "run", "contract"]


def test_another_image_under_the_name_is_replaced(session: Session, built: ProvedCell) -> None:
    engine = engine_of(session)
    engine.put(NAME, {})
    build(session, [])
    named, staged = engine.image(NAME), engine.image(built.node.image)
    assert named is not None and staged is not None and named.id == staged.id


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("smoke_tests/tiny/oracle.py", "3.14159265", "3.1415926"),
        ("smoke_tests/tiny/src/main.rs", "fn main() {}", "fn main() { }"),
        ("matrix.yaml", "relative: 1.0e-6", "relative: 1.0e-5"),
        ("images/toolchain/image.yaml", "rustc --version", "rustc --version --verbose"),
    ],
)
def test_a_changed_oracle_proves_again(tmp_path: Path, session: Session, file: str, old: str, new: str) -> None:
    root = write_project(tmp_path / "project")
    build(at(session, root), [])
    engine_of(session).forget()
    edit(root / file, old, new)
    (again,) = build(at(session, root), [])
    assert engine_of(session).builds == []
    assert again.record is not None
    first, second = records(session)
    assert first.oracle_hash != second.oracle_hash
    assert first.image == second.image


def crashing(request: RunRequest) -> Answer:
    return Answer(stderr="Segmentation fault", returncode=139)


@pytest.mark.parametrize(
    ("step", "answer", "outcome", "message"),
    [
        ("run", printed(3.15), Outcome.WRONG, "pi  value[0]: 3.15, expected 3.14159265"),
        ("run", Answer(stdout='{"done": 0}\n'), Outcome.WRONG, "pi: missing"),
        ("run", Answer(timed_out=True, returncode=124), Outcome.HANG, "run ran past its limit of 5 s"),
        ("run", crashing, Outcome.CRASH, "run ended with exit status 139: Segmentation fault"),
        ("compile", Answer(stderr="E0308", returncode=101), Outcome.NOT_COMPILED, "exit status 101: E0308"),
        ("compile", Answer(timed_out=True, returncode=124), Outcome.HANG, "compile ran past its limit of 5 s"),
        ("identity", identity("b1", "b2", "b1"), Outcome.WRONG, "different builds of libLLVM meet in one process"),
        ("identity", identity("b1", "b1", ""), Outcome.WRONG, "a libLLVM has no build-id or soname"),
        ("identity", Answer(stderr="no rustc", returncode=127), Outcome.CRASH, "exit status 127: no rustc"),
        ("identity", Answer(stdout="{broken\n"), Outcome.WRONG, "libLLVM's identity is known for nothing"),
        ("contract", Answer(stdout=contract_output(("", 127), ("", 0))), Outcome.WRONG, "contract 'rustc'"),
        ("contract", Answer(stdout=contract_output(("rustc 1.95.0", 0), ("", 0))), Outcome.WRONG, "'rustc 1.96.0'"),
        ("contract", Answer(stdout=contract_output(("rustc 1.96.0", 0), ("", 1))), Outcome.WRONG, "'licence'"),
        ("contract", Answer(stdout=contract_output(("rustc 1.96.0", 0))), Outcome.WRONG, "'licence': exit status -1"),
        ("contract", Answer(timed_out=True, returncode=124), Outcome.HANG, "the contract took more than 300 s"),
    ],
)
def test_an_image_that_is_not_proved_gets_no_name(
    session: Session,
    step: str,
    answer: Answer | Callable[[RunRequest], Answer],
    outcome: Outcome,
    message: str,
) -> None:
    engine_of(session).answers[step] = answer
    with pytest.raises(InternalError) as caught:
        build(session, [])
    assert caught.value.what == f"{CELL} is not proved ({outcome}); the image gets no tag"
    assert caught.value.why is not None and message in caught.value.why
    assert NAME not in engine_of(session).tags
    (record,) = records(session)
    assert record.outcome is outcome
    assert caught.value.fix is not None and str(next(evidence(session).path.glob("*.json"))) in caught.value.fix
    assert [step.outcome for step in record.steps][-1] is outcome
    assert engine_of(session).steps()[-1] == step, "nothing runs after the step that shows the image to be wrong"


def test_a_failed_proof_is_tried_again_and_a_good_one_then_counts(session: Session) -> None:
    engine_of(session).answers["run"] = printed(3.0)
    for _ in range(2):
        engine_of(session).forget()
        with pytest.raises(InternalError):
            build(session, [])
        assert engine_of(session).steps()[-1] == "run"
    engine_of(session).answers["run"] = printed(3.14159265)
    build(session, [])
    engine_of(session).forget()
    build(session, [])
    assert engine_of(session).runs == []
    assert sorted(record.outcome for record in records(session)) == ["pass", "wrong", "wrong"]


def test_a_device_that_is_not_here_excuses_nothing_else(session: Session) -> None:
    engine_of(session).answers["contract"] = Answer(stdout=contract_output(("", 127), ("", 0)))
    with pytest.raises(InternalError, match=rf"{OTHER} is not proved \(wrong\)"):
        build(session, [OTHER])
    assert not any(tag.startswith("holoenzyme/toolchain:") for tag in engine_of(session).tags)


def test_a_broken_engine_during_the_proof_is_no_evidence(session: Session) -> None:
    def gone(request: RunRequest) -> Answer:
        raise InfrastructureError("the engine does not answer")

    engine_of(session).answers["run"] = gone
    with pytest.raises(InfrastructureError):
        build(session, [])
    assert not evidence(session).path.exists() and NAME not in engine_of(session).tags


def test_a_failing_step_says_which_and_leaves_what_is_needed_to_look(session: Session) -> None:
    engine_of(session).hooks["enzyme"] = failing("[build 2/2] RUN make", "make: *** no rule")
    with pytest.raises(BuildFailed) as caught:
        build(session, [])
    assert caught.value.what == "enzyme: step [build 2/2] RUN make failed"
    assert str(caught.value).startswith("enzyme: step [build 2/2] RUN make failed\n  why: ")
    assert "make: *** no rule" in str(caught.value) and "docker build" in str(caught.value)
    assert (caught.value.context / "Dockerfile").is_file()
    assert caught.value.context.with_suffix(".log").is_file()
    assert NAME not in engine_of(session).tags
    assert not any("stage/enzyme" in tag or "stage/toolchain" in tag for tag in engine_of(session).tags)
    assert engine_of(session).steps() == ["packages"]


def test_a_build_goes_on_where_a_failed_one_stopped(session: Session) -> None:
    engine_of(session).hooks["toolchain"] = failing()
    with pytest.raises(BuildFailed):
        build(session, [])
    engine_of(session).hooks.clear()
    engine_of(session).forget()
    build(session, [])
    assert engine_of(session).built == ["toolchain"]
    assert NAME in engine_of(session).tags


def test_what_cannot_be_built_is_refused_before_anything_is_asked(session: Session) -> None:
    with pytest.raises(UserError) as caught:
        build(session, ["patched-1.96-host"])
    assert str(caught.value) == (
        "cell 'patched-1.96-host' cannot be built yet (planned)\n"
        "  why: no recipe\n"
        "  fix: `nox -s matrix` lists the cells that can"
    )
    assert engine_of(session).questions == 0


def test_a_cell_without_a_proof_is_refused(tmp_path: Path, session: Session) -> None:
    root = write_project(tmp_path / "project")
    edit(root / "smoke_tests/tiny/smoke.yaml", "proof: true", "proof: false")
    with pytest.raises(UserError, match=f"no smoke test proves '{CELL}'"):
        build(at(session, root), [])
    edit(root / "smoke_tests/tiny/smoke.yaml", "proof: false", "proof: true")
    edit(root / "smoke_tests/tiny/smoke.yaml", "[exact]", "[exact, rough]")
    with pytest.raises(UserError, match=r"tolerances rough are not in matrix\.yaml"):
        build(at(session, root), [])
    assert engine_of(session).questions == 0


@pytest.mark.parametrize(("status", "tagged"), [(101, True), (0, False)])
def test_what_must_be_refused_is_part_of_the_proof(tmp_path: Path, session: Session, status: int, tagged: bool) -> None:
    root = write_project(tmp_path / "project")
    (root / "smoke_tests/tiny/refused.smoke.yaml").write_text(
        "schema: 1\nname: refused\nsummary: x\nkind: cargo-refused\ncommand: [cargo, autodiff, build]\ncells: ['*']\n"
        "timeout_s: 5\nproof: true\nprograms: {files: src/bin/*.rs, args: [--bin, '{{ name }}']}\n"
    )
    (root / "smoke_tests/tiny/src/bin").mkdir()
    (root / "smoke_tests/tiny/src/bin/a.rs").write_text("fn main() {} //~ ERROR no\n")
    said = "error: no\n --> src/bin/a.rs:1:2\n" if status else ""
    engine_of(session).answers["compile"] = lambda request: (
        Answer(stderr=said, returncode=status) if "--bin" in request.argv else Answer()
    )
    if tagged:
        build(at(session, root), [])
    else:
        with pytest.raises(InternalError, match="it compiles, and must be refused"):
            build(at(session, root), [])
    assert (NAME in engine_of(session).tags) is tagged


def test_refusals_alone_prove_nothing(tmp_path: Path, session: Session) -> None:
    root = write_project(tmp_path / "project")
    edit(root / "smoke_tests/tiny/smoke.yaml", "kind: cargo-run", "kind: cargo-refused")
    edit(root / "smoke_tests/tiny/smoke.yaml", "oracle: oracle.py", "programs: {files: src/*.rs, args: []}")
    edit(root / "smoke_tests/tiny/src/main.rs", "{}", "{} //~ ERROR no")
    with pytest.raises(UserError, match="with numbers"):
        build(at(session, root), [])


def test_containers_are_apart(session: Session) -> None:
    build(session, [])
    proof = engine_of(session).runs[1:]
    assert all(request.read_only and not request.network for request in proof)
    assert all(request.user not in (None, "0", "0:0", "root") for request in proof)
    assert all(request.timeout > 0 for request in proof)


def test_the_messages_say_how_the_base_is_made(
    small_project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    session = replace(good_session(small_project, tmp_path / "state", good_engine()), say=said.append)
    build(session, [])
    assert said[0].startswith("base bookworm: mmdebstrap, 2 packages, ")
    assert said[1] == "building with the fake builder"
    assert said[2] == f"{CELL}: proving it with tiny"
    shown = capsys.readouterr().err
    assert "base: making it (bookworm, auto)" in shown
    assert "archive: asking the distribution's archive what it has" in shown
