"""A DIP catalogue in memory: groups, auxiliary subtypes, conditions, and the order of matching.

What the reference matcher interprets and ``compile`` lowers; ``catalogue`` reads it from a folder.
Scores are integers scaled 10⁴, money is fen; None is "not published".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, NamedTuple

from drg.dip.grammar import Terms

__all__ = [
    "COMPARATORS",
    "FIELDS",
    "GROUP_CLASSES",
    "KINDS",
    "AuxiliaryClass",
    "Catalogue",
    "Comorbidity",
    "Condition",
    "Group",
    "Matching",
    "Subtype",
]

#: special: groups tried before all others (3.0 先期分组, 诊断辅助细分); chapter and blank: for what
#: fits nowhere else.
GROUP_CLASSES = ("special", "core", "primary", "comprehensive", "chapter", "blank")
#: Kinds of procedures, the weightiest first; a catalogue may name others.
KINDS = ("surgery", "therapeutic", "diagnostic", "conservative")
#: Comparators that a catalogue may put in order; ``group_code`` always comes last.
COMPARATORS = (
    "most_terms",
    "all_terms",
    "most_procedures",
    "reported_principal",
    "leading_principal",
    "full_code",
    "highest_score",
    "nearest_mean",
    "type_order",
    "group_code",
)
#: Scalar fields of a claim that conditions may ask for.
FIELDS = ("age", "age_days", "los_days", "icu_hours", "birth_weight_g", "admission_weight_g")


class Group(NamedTuple):
    """One row of ``groups.csv``.

    Attributes
    ----------
    code : str
        As results show it.
    group_class : str
        One of ``GROUP_CLASSES``.
    diagnosis : tuple of str
        Subcategories (``K80.1``), categories (``K80``) or ranges of categories (``C00-D48``);
        empty: every diagnosis.
    terms : Terms
        Procedures that have to be there, the principal one's term first. One that ends in ``*``
        is a prefix.
    attribute : str
        Attribute of a comprehensive or chapter group; ``""`` else.
    conditions : tuple of str
        Names of conditions that all have to hold.
    name : str
    score_e4 : int or None
        None: only its subtypes have scores.
    mean_fen : int or None
        Mean cost of its cases.
    days, cv : Fraction or None
        Mean length of stay; coefficient of variation of cost.
    cases : int or None
    origin : str
        ``national``, ``local`` or ``""``.
    """

    code: str
    group_class: str
    diagnosis: tuple[str, ...]
    terms: Terms = ()
    attribute: str = ""
    conditions: tuple[str, ...] = ()
    name: str = ""
    score_e4: int | None = None
    mean_fen: int | None = None
    days: Fraction | None = None
    cv: Fraction | None = None
    cases: int | None = None
    origin: str = ""


class Subtype(NamedTuple):
    """One row of ``auxiliary.csv``: a group's auxiliary subtype with a score of its own."""

    group: str
    subtype: str
    score_e4: int
    mean_fen: int | None = None
    cases: int | None = None


class AuxiliaryClass(NamedTuple):
    """One row of ``auxiliary_class.csv``: when a claim is of a subtype.

    Within a type the first row in the table's order whose conditions all hold decides.
    """

    type: str
    subtype: str
    name_zh: str
    name_en: str
    conditions: tuple[str, ...] = ()


class Condition(NamedTuple):
    """A named question to a claim; exactly one way of asking is used.

    Attributes
    ----------
    name : str
    field : str
        Of ``FIELDS``: holds if ``start <= value < stop``. ``disposition``: holds if it is one of
        ``values``.
    start, stop : int or None
        Open where None. For ``cci``: bounds of the sum of comorbidity weights.
    values : tuple of str
    secondary : tuple of str
        Subcategories, categories, ranges of categories or code prefixes: holds if a secondary
        diagnosis is among them.
    other_category : bool
        Of those, only secondary diagnoses of another category than the principal one count.
    cci : bool
        Ask for the comorbidity index.
    cost_multiple : Fraction or None
        Holds if cost >= multiple × the group's mean cost.
    share_of : str
        Claim column of money whose share of the total cost is to be at least ``share``.
    share : Fraction or None
    """

    name: str
    field: str = ""
    start: int | None = None
    stop: int | None = None
    values: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()
    other_category: bool = False
    cci: bool = False
    cost_multiple: Fraction | None = None
    share_of: str = ""
    share: Fraction | None = None


class Comorbidity(NamedTuple):
    """A condition of the comorbidity index: weight, codes, and the milder one it replaces."""

    name: str
    weight: int
    codes: tuple[str, ...]
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Matching:
    """Which group when several fit.

    Attributes
    ----------
    tiers : tuple of tuple of str
        Types of groups (``core.surgery``, or ``core`` for every kind), tried tier by tier: the
        first tier with a group that fits decides.
    comparators : tuple of str
        Of ``COMPARATORS``, in order; within a tier they choose. ``group_code`` is implied at the
        end.
    type_order : tuple of str
        For the comparator of that name, first is best.
    related : {"all", "most"}
        ``all``: every term has to be met. ``most``: the principal procedure's term has to be, and
        of the others as many as may be (``most_terms`` counts the met ones).
    ruling : {"principal", "highest"}
        Whose kind chooses the comprehensive group: the principal procedure's (the first one that is
        known), or the weightiest kind (order of ``kinds``) among all procedures. Where all are
        quiet, the last of ``kinds``.
    quiet : frozenset of str
        Kinds that do not count as procedures: with these alone a claim is conservative.
    kinds : tuple of str
        Kinds, the weightiest first.
    attributes : mapping of str to tuple of str
        Kinds that an attribute of a comprehensive group stands for.
    unlisted : {"lowest", "none"}
        A group that publishes scores of subtypes alone, and a claim of no listed one: the subtype
        with the lowest score, or no group.

    Notes
    -----
    What the documents leave open, and how it is settled:

    *Codes* are read as ``drg.grouping.reference`` reads them and compared folded. Known are the
    national list, its first five and first three characters (diagnoses), and whole procedures that
    only the catalogue names (``drg.dip.vocabulary``). Of a diagnosis count its first five
    characters (subcategory) and first three (category), of a dagger pair those of the dagger code.
    A known code of three characters has its category's ``.x`` as subcategory if that is the only
    one of the national list, else none. A repeated code counts once, but a term that a group has
    twice (``32.4100_32.4100``) asks for two reports of its procedures; a secondary diagnosis equal
    to the principal one is none. The first procedure is the reported principal one, known or not.

    *Lists* of diagnoses (``Condition.secondary``, ``Comorbidity.codes``) hold prefixes of codes or
    subcategories, and ranges of categories; ``Group.diagnosis`` holds subcategories, categories
    and ranges. Comorbidities and secondary conditions look at known secondary diagnoses. One that
    another present one ``replaces`` has no weight.

    *Truth* is Kleene's; a group or a subtype's row needs all its conditions true. A number that is
    missing or no whole number of 32 bits, a missing or negative cost, a mean that is not
    published, and a share of no cost are unknown.

    *Kind.* Without a known procedure that is not quiet, the ruling kind is the last of ``kinds``.
    A group of a type that no tier names takes no part. A group with neither terms nor attribute
    fits any procedures, but one of class core or primary only quiet ones.

    *Comparators*: ``most_terms`` counts the met terms, ``all_terms`` asks whether all are met,
    ``most_procedures`` counts distinct procedures among the met terms, ``full_code`` terms met by a
    whole code; ``reported_principal`` asks whether the reported principal procedure is in a term,
    ``leading_principal`` in the first. The greatest key is the best, a missing score the least,
    a type that is not in ``type_order`` the last. ``nearest_mean`` is passed over unless the cost
    and every mean left are known; N430 tells that it ruled out a group, N435 that it could not be
    asked for want of the cost. ``decided_by`` names the comparator that left a single group of
    several.

    *Auxiliary types.* The first row of a type that holds decides. The type is open (N431) if a row
    before that one, or any where none holds, is unknown and the group has a subtype of the type.
    Of equal scores the first subtype in the table wins. A group without any score at all is U215.

    *No group.* U214: some group's terms and kind fit, and of its conditions none is false and one
    unknown. Else U212: a group lists the subcategory; U213: one lists the category or a range;
    U211: none does. Groups for every diagnosis do not count for U211 to U213.

    *Note of a grouped claim*: N430, N434 (a group of a tier before the deciding one has an unknown
    condition and none that is false), N435, N431, N432, N401, N402, N433 (the principal diagnosis
    has no subcategory), N403; the first that applies.
    """

    tiers: tuple[tuple[str, ...], ...]
    comparators: tuple[str, ...]
    type_order: tuple[str, ...] = ()
    related: Literal["all", "most"] = "all"
    ruling: Literal["principal", "highest"] = "principal"
    quiet: frozenset[str] = frozenset({"conservative"})
    kinds: tuple[str, ...] = KINDS
    attributes: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "SS": ("surgery",),
            "ZLXCZ": ("therapeutic",),
            "ZDXCZ": ("diagnostic",),
            "BSZL": ("conservative",),
        }
    )
    unlisted: Literal["lowest", "none"] = "lowest"


@dataclass(frozen=True)
class Catalogue:
    """A DIP catalogue.

    Attributes
    ----------
    id, digest, title_zh, title_en : str
    groups : tuple of Group
        By code unique.
    subtypes : tuple of Subtype
    classes : tuple of AuxiliaryClass
    conditions : tuple of Condition
        At most 64.
    comorbidities : tuple of Comorbidity
        At most 64.
    procedure_kind : mapping of str to str
        Kind of every procedure code; one that is not in it has ``default_kind``.
    derived : frozenset of str
        Procedures whose kind is derived, not published.
    matching : Matching
    dx_names, px_names : mapping of str to str
        The national lists that claims' codes are known by.
    header : mapping
        ``catalogue.toml`` as read.
    """

    id: str
    digest: str
    title_zh: str
    title_en: str
    groups: tuple[Group, ...]
    subtypes: tuple[Subtype, ...]
    classes: tuple[AuxiliaryClass, ...]
    conditions: tuple[Condition, ...]
    comorbidities: tuple[Comorbidity, ...]
    procedure_kind: Mapping[str, str]
    matching: Matching
    dx_names: Mapping[str, str]
    px_names: Mapping[str, str]
    default_kind: str = "surgery"
    derived: frozenset[str] = frozenset()
    normalise_codes: bool = True
    header: Mapping[str, object] = field(default_factory=dict)

    def kind_of(self, procedure: str) -> str:
        """Kind of a procedure code."""
        return self.procedure_kind.get(procedure, self.default_kind)

    def type_of(self, group: Group) -> str:
        """``class.kind`` of a group: its attribute's kind, or that of its principal procedure."""
        if group.attribute:
            kind = self.matching.attributes[group.attribute][0]
        elif group.terms:
            kind = self.kind_of(group.terms[0][0])
        else:
            kind = self.matching.kinds[-1]
        return f"{group.group_class}.{kind}"
