"""Recipes (`recipes/NAME/recipe.yaml`) and images (`images/NAME/image.yaml`): how components are made, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from holoenzyme.errors import UserError
from holoenzyme.matrix.axes import StageAxis, TargetKind
from holoenzyme.matrix.constraints import Point
from holoenzyme.matrix.model import Package
from holoenzyme.matrix.pattern import matches
from holoenzyme.matrix.placeholders import wrong_placeholders, wrong_values
from holoenzyme.matrix.yamlfile import SECOND, Loc, Problem, load_model, refuse

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
#: Values that a template uses, free in form.
Values = dict[str, object]
#: What texts of contracts and of `values` may name, by an example. Those of `values` see the axes of their stage alone.
VERSIONS = {"rust": {"release": "1.96.0"}, "llvm": {"major": "22", "release": "22.1.8"}}
_PACKAGES = dict.fromkeys(("rustc", "cargo", "src", "clippy", "rustfmt"), "")
_NAMES = {
    **VERSIONS,
    "rust": {**VERSIONS["rust"], "version": "1.96", "packages": _PACKAGES},
    **dict.fromkeys(("channel", "target", "kind", "base", "arch", "triple"), ""),
}


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileRule(_Strict):
    """Files or a folder of the project (`from`, relative to its root) that a build context gets as `to`.

    `from` may have placeholders, as `values` may.
    """

    source: str = Field(alias="from")
    to: str


class StageRule(_Strict):
    """A stage: its template, the stages that it needs, the files that it copies, and the axes that it depends on.

    `rendered` maps paths in the build context to templates of the recipe: files that hold what the Dockerfile knows.
    """

    name: Name
    template: str
    needs: tuple[Name, ...] = ()
    axes: tuple[StageAxis, ...] = ("base", "arch")
    files: tuple[FileRule, ...] = ()
    rendered: dict[str, str] = Field(default_factory=dict)
    values: Values = Field(default_factory=dict)

    @model_validator(mode="after")
    def _placeholders(self) -> StageRule:
        problems = list(wrong_values(("values",), self.values, _NAMES))
        for number, rule in enumerate(self.files):
            problems += wrong_placeholders(("files", number, "from"), rule.source, _NAMES)
        refuse(problems)
        return self


class BaseRule(_Strict):
    """How a base is made where none is pulled: the packages added to mmdebstrap's variant, and what dpkg leaves out.

    `include_paths_for` names what stays beside `include_paths` in one base.
    """

    variant: str
    include: dict[str, str]
    exclude_paths: tuple[str, ...] = ()
    include_paths: tuple[str, ...] = ()
    include_paths_for: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    def included_paths(self, base: str) -> tuple[str, ...]:
        """What dpkg does not leave out of a base, although `exclude_paths` match it."""
        return (*self.include_paths, *self.include_paths_for.get(base, ()))


class SetRule(_Strict):
    """The packages of a set for some cells.

    `rust` and `base` are globs; a rule is for the cells that match each of them that is there. `suites` names the
    packages that come from a suite beside the base's own, whether they are asked for or only needed: suite → packages.
    No other package of that suite is taken, and these are taken from nowhere else.
    """

    rust: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    base: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    packages: Annotated[tuple[Package, ...], Field(min_length=1)]
    suites: dict[Name, Annotated[tuple[Package, ...], Field(min_length=1)]] = Field(default_factory=dict)

    def serves(self, point: Point) -> bool:
        """Whether the rule is for a cell."""
        patterns = ((self.rust, point.rust), (self.base, point.base))
        return all(wanted is None or matches(value, wanted) for wanted, value in patterns)

    @model_validator(mode="after")
    def _one_suite(self) -> SetRule:
        seen: dict[str, Loc] = {}
        problems = []
        for suite, names in self.suites.items():
            for index, name in enumerate(names):
                at: Loc = ("suites", suite, index)
                if name in seen:
                    why = f"it is at {SECOND} too; a package comes from one suite"
                    what = f"{name!r} is here twice"
                    problems.append(Problem(at=at, what=what, why=why, fix="remove one", second=seen[name]))
                seen.setdefault(name, at)
        refuse(problems)
        return self


@dataclass(frozen=True, kw_only=True)
class PackageSet:
    """A set of packages for a cell: the packages asked for, and those that come from another suite than the base's.

    `key` is its name in the lock, within a base and architecture. `by_rust` says that it depends on the version of
    Rust; the key has that too then.
    """

    key: str
    roots: tuple[str, ...]
    suites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_rust: bool = False

    def suite_of(self, package: str) -> str | None:
        """The suite that a package comes from; none for those of the base."""
        return next((suite for suite, names in self.suites.items() if package in names), None)


class Recipe(_Strict):
    """`recipe.yaml`: how one component is made, for which channels, from which sets of packages.

    `values` are for the templates of all its stages; those of a stage take precedence. Texts in them may have
    placeholders (`{{ llvm.major }}`), which the filter `fill` of a template fills in. `packages` are sets of packages
    that are the same for every cell; of those in `packages_for` the first rule that is for the cell counts.
    """

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    summary: str
    channels: tuple[str, ...]
    redistributable: bool
    base: BaseRule | None = None
    packages: dict[Name, tuple[str, ...]] = Field(default_factory=dict)
    packages_for: dict[Name, Annotated[tuple[SetRule, ...], Field(min_length=1)]] = Field(default_factory=dict)
    package_template: str | None = None
    values: Values = Field(default_factory=dict)
    stages: tuple[StageRule, ...] = ()

    @model_validator(mode="after")
    def _placeholders(self) -> Recipe:
        refuse(wrong_values(("values",), self.values, _NAMES))
        return self

    @model_validator(mode="after")
    def _sets(self) -> Recipe:
        refuse(
            Problem(
                at=("packages_for", name),
                on_key=True,
                what="is a set of `packages` too",
                why=f"it is at {SECOND}; a set has one place",
                fix="remove one",
                second=("packages", name),
            )
            for name in self.packages_for
            if name in self.packages
        )
        return self

    @property
    def set_names(self) -> tuple[str, ...]:
        """The sets of packages that it declares."""
        return (*self.packages, *self.packages_for)

    def package_set(self, name: str, point: Point) -> PackageSet | None:
        """A set of its own for a cell; none where no rule is for that cell."""
        if name in self.packages:
            return PackageSet(key=name, roots=self.packages[name])
        rules = self.packages_for[name]
        rule = next((rule for rule in rules if rule.serves(point)), None)
        if rule is None:
            return None
        by_rust = any(each.rust is not None for each in rules)
        key = f"{name}/{point.rust}" if by_rust else name
        return PackageSet(key=key, roots=rule.packages, suites=rule.suites, by_rust=by_rust)


class ContractRule(_Strict):
    """A command that must work inside an image, and text that its output must hold.

    `{{ rust.release }}`, `{{ llvm.major }}` and `{{ llvm.release }}` in both are versions; `cells` are globs.
    """

    name: str
    run: str
    expect: str
    cells: tuple[str, ...] = ("*",)

    @model_validator(mode="after")
    def _placeholders(self) -> ContractRule:
        refuse(wrong_placeholders(("run",), self.run, VERSIONS))
        refuse(wrong_placeholders(("expect",), self.expect, VERSIONS))
        return self


class ImageRule(_Strict):
    """`image.yaml`: how stages are put together to an image, and what must work inside it.

    `needs_for` names what cells of one channel, or of one kind of target, need beside `needs` (templates see those that
    a cell needs as `extras`); `channels` are those that have the image, or none for all.
    """

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    summary: str
    template: str
    channels: tuple[str, ...] | None = None
    needs: tuple[Name, ...]
    needs_for: dict[str, tuple[Name, ...]] = Field(default_factory=dict)
    axes: tuple[StageAxis, ...]
    user: str
    workdir: str
    labels: dict[str, str]
    contract: tuple[ContractRule, ...]

    def serves(self, channel: str) -> bool:
        """Whether the channel has the image."""
        return self.channels is None or channel in self.channels

    def contract_of(self, cell: str) -> tuple[ContractRule, ...]:
        """The rules of the contract for the image of the cell with this id."""
        return tuple(rule for rule in self.contract if matches(cell, rule.cells))

    @model_validator(mode="after")
    def _numeric_user(self) -> ImageRule:
        # A name would need a line in /etc/passwd; a number works on every host and in every engine.
        if not all(part.isdigit() for part in self.user.split(":")):
            raise ValueError("must be numeric, as in '65532:65532'")
        return self

    @model_validator(mode="after")
    def _axes_of_needs(self) -> ImageRule:
        for name in self.needs_for:
            axis = "kind" if name in get_args(TargetKind) else "channel"
            if axis not in self.axes:
                raise ValueError(f"`needs_for` names {name!r}, so `axes` must name {axis!r}")
        return self


class Cookbook(_Strict):
    """All recipes and images of a project folder."""

    recipes: tuple[Recipe, ...]
    images: tuple[ImageRule, ...]

    def for_channel(self, channel: str) -> Iterator[Recipe]:
        """The recipes that serve a channel."""
        return (recipe for recipe in self.recipes if channel in recipe.channels)

    def image_rule(self, name: str) -> ImageRule:
        """The rule of the image of this name; raises `UserError` where there is none."""
        for image in self.images:
            if image.name == name:
                return image
        known = ", ".join(image.name for image in self.images)
        raise UserError(f"there is no image {name!r}", fix=f"the images are: {known}")

    def base_rule(self) -> BaseRule:
        """How bases are made."""
        for recipe in self.recipes:
            if recipe.base is not None:
                return recipe.base
        raise UserError("no recipe says how a base is made", fix="one recipe.yaml needs a `base:` section")

    def package_template(self) -> tuple[str, str]:
        """The recipe and the template of package stages."""
        for recipe in self.recipes:
            if recipe.package_template is not None:
                return recipe.name, recipe.package_template
        raise UserError("no recipe holds a template for packages", fix="one recipe.yaml needs `package_template:`")

    def package_set(self, name: str, point: Point) -> PackageSet:
        """A set of packages for a cell; raises `UserError` where no recipe of its channel has one for it."""
        for recipe in self.for_channel(point.channel):
            if name in recipe.set_names and (found := recipe.package_set(name, point)):
                return found
        where = f"{point.channel} with Rust {point.rust} on {point.base}"
        raise UserError(
            f"no recipe says which packages are in the set {name!r} for {where}",
            fix="add it to `packages:` or `packages_for:` of a recipe.yaml",
        )

    def package_sets(self, point: Point) -> dict[str, PackageSet]:
        """The sets of packages for a cell, by their names in the lock."""
        found = (
            recipe.package_set(name, point) for recipe in self.for_channel(point.channel) for name in recipe.set_names
        )
        return {item.key: item for item in found if item is not None}


def load_cookbook(root: Path) -> Cookbook:
    """Read every recipe and image below the project folder `root`.

    Raises `UserError` with file, line and column where one is wrong, where a name does not fit its folder, and where
    two recipes declare the same stage or set of packages for one channel.
    """
    recipes = tuple(load_model(path, Recipe) for path in sorted((root / "recipes").glob("*/recipe.yaml")))
    images = tuple(load_model(path, ImageRule) for path in sorted((root / "images").glob("*/image.yaml")))
    for kind, items in (("recipes", recipes), ("images", images)):
        for item in items:
            if not (root / kind / item.name).is_dir():
                raise UserError(f"{kind}/*/: the folder of {item.name!r} has another name", fix="give both one name")
    owner: dict[str, str] = {}
    seen: dict[tuple[str, str], str] = {}
    for recipe in recipes:
        for name in recipe.set_names:
            if owner.setdefault(name, recipe.name) != recipe.name:
                raise UserError(
                    f"recipes/{recipe.name}/recipe.yaml: packages.{name} is also declared by {owner[name]}",
                    fix="give one of the two sets another name",
                )
        for channel in recipe.channels:
            for stage in recipe.stages:
                if seen.setdefault((channel, stage.name), recipe.name) != recipe.name:
                    raise UserError(
                        f"recipes/{recipe.name}/recipe.yaml: stage {stage.name!r} of channel {channel!r} is also "
                        f"declared by {seen[channel, stage.name]}",
                        fix="each stage of a channel comes from one recipe",
                    )
    _refuse_shared_keys(recipes)
    return Cookbook(recipes=recipes, images=images)


def _refuse_shared_keys(recipes: tuple[Recipe, ...]) -> None:
    """Two recipes may make a stage of the same name only where the channel tells the stages apart."""
    owners: dict[str, list[tuple[Recipe, StageRule]]] = {}
    for recipe in recipes:
        for stage in recipe.stages:
            owners.setdefault(stage.name, []).append((recipe, stage))
    for name, found in owners.items():
        for recipe, stage in found:
            if len(found) > 1 and "channel" not in stage.axes:
                others = ", ".join(other.name for other, _ in found if other is not recipe)
                raise UserError(
                    f"recipes/{recipe.name}/recipe.yaml: stage {name!r} is also made by {others}, and does not depend "
                    "on the channel",
                    fix="add `channel` to its `axes:`, or give it another name",
                )
