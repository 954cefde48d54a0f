"""Settlement lists made for tests."""

from __future__ import annotations

import json
from typing import Any

SETLINFO: dict[str, Any] = {
    "mdtrt_id": "M1", "setl_id": "S0001", "fixmedins_name": "示例医院", "fixmedins_code": "H0001",
    "hi_setl_lv": "3", "hi_no": "HN1", "medcasno": "0000123", "dcla_time": "2025-06-15 10:00:00",
    "psn_name": "张三", "gend": "1", "brdy": "1958-01-02", "age": 67.9, "ntly": "CHN",
    "prfs": "80", "patn_rlts": "1", "coner_addr": "某地", "coner_tel": "1390000",
    "hi_type": "310", "insuplc": "340000", "adm_way": "1", "ipt_med_type": "1",
    "trt_type": "2.1", "adm_time": "2025-06-01 08:00:00", "dscg_time": "2025-06-10 09:30:00",
    "adm_caty": "03", "dscg_caty": "04", "act_ipt_days": 9, "vent_used_dura": "0/95/59",
    "pwcry_bfadm_coma_dura": "0/1/30", "dscg_way": "1", "psn_selfpay": 1000.10,
    "psn_ownpay": "200.05", "acct_pay": 0, "psn_cashpay": 1200.15, "hi_paymtd": "1",
    "days_rinp_flag_31": "0",
}  # fmt: skip


def made_list(**setlinfo: Any) -> dict[str, Any]:
    """A list with every node; keywords change its ``setlinfo``, None takes a field out."""
    own = {**SETLINFO, **setlinfo}
    return {
        "setlinfo": {name: value for name, value in own.items() if value is not None},
        "payinfo": [
            {"fund_pay_type": "310100", "fund_payamt": 8000.00},
            {"fund_pay_type": "330100", "fund_payamt": "500.00"},
        ],
        "diseinfo": [
            {"diag_type": "1", "diag_code": "J96.000", "adm_cond_type": "4", "maindiag_flag": "0"},
            {"diag_type": "1", "diag_code": "I63.905", "adm_cond_type": "1", "maindiag_flag": "1"},
            {"diag_type": "2", "diag_code": "BNP", "maindiag_flag": "1"},
        ],
        "iteminfo": [
            {
                "med_chrgitm": "09", "amt": 5000.10, "claa_sumfee": 4000.10, "clab_amt": "1000.00",
                "fulamt_ownpay_amt": 0, "oth_amt": 0,
            },
            {"med_chrgitm": "03", "amt": "4700.05", "claa_sumfee": "4700.05"},
        ],
        "oprninfo": [
            {"oprn_oprt_type": "2", "oprn_oprt_code": "38.9300", "oprn_oprt_date": "2025-06-03"},
            {"oprn_oprt_type": "1", "oprn_oprt_code": "96.7101", "oprn_oprt_date": "2025-06-02"},
        ],
        "icuinfo": [
            {
                "scs_cutd_inpool_time": "2025-06-01 08:30:00",
                "scs_cutd_exit_time": "2025-06-03 09:29:00", "scs_cutd_sum_dura": "2/0/59",
            },
        ],
    }  # fmt: skip


def message(found: dict[str, Any]) -> dict[str, Any]:
    """A list in the envelope of the interface."""
    return {"infno": "4101", "msgid": "H0001202506150001", "input": found}


def as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
