"""Every kind of rule by name."""

from __future__ import annotations

from drg.audit.kind import Kind
from drg.audit.kinds_agree import AGREE_KINDS
from drg.audit.kinds_care import CARE_KINDS
from drg.audit.kinds_charges import CHARGE_KINDS
from drg.audit.kinds_codes import CODE_KINDS
from drg.audit.kinds_fields import FIELD_KINDS
from drg.audit.kinds_peers import PEER_KINDS
from drg.audit.kinds_stays import STAY_KINDS
from drg.audit.kinds_units import UNIT_KINDS

__all__ = ["KINDS"]

#: Kinds of the modules, each of which declares its own.
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        *FIELD_KINDS,
        *AGREE_KINDS,
        *CODE_KINDS,
        *STAY_KINDS,
        *CARE_KINDS,
        *CHARGE_KINDS,
        *PEER_KINDS,
        *UNIT_KINDS,
    )
}
