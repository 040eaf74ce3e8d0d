"""Placeholders: one language, and a name that is not there is told where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.small_project import edit, graph_of, write_project

from holoenzyme.errors import UserError
from holoenzyme.matrix.placeholders import PlaceholderError, fill
from holoenzyme.matrix.recipe import ImageRule, Recipe
from holoenzyme.matrix.smoke import SmokeRule
from holoenzyme.matrix.yamlfile import parse_model
from holoenzyme.session import Project

NAMES = {"target": "sm_90", "llvm": {"major": "22"}}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("--target={{ target }}", "--target=sm_90"),
        ("{{ target }},{{llvm.major}}\n", "sm_90,22\n"),
        ("int main(void) { return 0; } ${x} {target}", "int main(void) { return 0; } ${x} {target}"),
        ("", ""),
    ],
)
def test_names_are_filled_in_and_the_rest_stays(text: str, filled: str) -> None:
    assert fill(text, NAMES) == filled


@pytest.mark.parametrize("text", ["{{ targets }}", "{{ llvm.mayor }}", "{{ target", "{% if %}", "{# x"])
def test_what_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(PlaceholderError):
        fill(text, NAMES)


RECIPE = """schema: 1
name: r
summary: x
channels: []
redistributable: true
stages:
  - name: s
    template: t
    values:
      keys:
        - "ok {{ llvm.major }}"
        - "%s"
      "%s": 1
"""
SMOKE = """schema: 1
name: s
summary: x
kind: cargo-refused
command: [cargo, build, "%s"]
cells: []
timeout_s: 1
programs:
  files: x
  args: ["%s"]
"""
IMAGE = """schema: 1
name: i
summary: x
template: t
needs: []
axes: []
user: "1"
workdir: /
labels: {}
contract:
  - name: c
    run: "%s"
    expect: "%s"
"""


@pytest.mark.parametrize(
    ("model", "text", "words", "said"),
    [
        (SmokeRule, SMOKE, ("{{ targt }}", "x"), r"f.yaml:5:25: command\[2\]: .*'targt' is undefined\n.*{{ target }}"),
        (SmokeRule, SMOKE, ("{target}", "x"), r"f.yaml:5:25: .*{target} is no placeholder.*\n.*write {{ target }}"),
        (SmokeRule, SMOKE, ("x", "{{ target }}"), r"f.yaml:10:10: .*'target' is undefined\n.*{{ path }}, {{ name }}"),
        (SmokeRule, SMOKE, ("x", "{name}"), r"f.yaml:10:10: .*\n.*write {{ name }}"),
        (Recipe, RECIPE, ("{{ llvm }", "x"), r"f.yaml:12:11: stages\[0\].values.keys\[1\]: "),
        (Recipe, RECIPE, ("{{ tripel }}", "x"), r"f.yaml:12:11: .*'tripel' is undefined\n.*{{ triple }}"),
        (Recipe, RECIPE, ("x", "target.{triple}"), r"f.yaml:13:7: .*\n.*write {{ triple }}"),
        (
            ImageRule,
            IMAGE,
            ("{{ rust }}{{ llvm.mayor }}", "x"),
            r"f.yaml:12:10: .*no attribute 'mayor'\n.*{{ llvm.major }}",
        ),
        (
            ImageRule,
            IMAGE,
            ("x", "LLD {llvm}"),
            r"f.yaml:13:13: .*{llvm} is no placeholder.*\n.*there are {{ rust.release }}",
        ),
    ],
)
def test_a_wrong_placeholder_is_told_with_its_place(
    model: type[BaseModel], text: str, words: tuple[str, str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        parse_model(text % words, "f.yaml", model)


def test_what_a_shell_reads_is_no_placeholder() -> None:
    parse_model(IMAGE % ("echo ${llvm} { return 0; }", "x"), "f.yaml", ImageRule)


def test_a_value_sees_the_axes_of_its_stage_alone(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    edit(root / "recipes/enzyme/recipe.yaml", "    files:", "    values: {key: '{{ target }}'}\n    files:")
    edit(root / "recipes/enzyme/stage.Dockerfile.j2", "FROM scratch", "# {{ values.key | fill }}\nFROM scratch")
    project = Project(root)
    with pytest.raises(UserError, match=r"recipes/enzyme/stage.Dockerfile.j2.*'{{ target }}': 'target' is undefined"):
        graph_of(project)
