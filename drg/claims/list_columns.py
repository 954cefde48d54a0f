"""Columns beyond those of grouping and payment: the rest of the settlement list, item detail.

Only the audit, the indicators and the readers of interface files ask for them; a file that lacks
one is no worse for grouping. Names and meanings: interface 4101 (settlement list).
"""

from __future__ import annotations

from drg.claims.frame import Column

__all__ = ["ITEM_COLUMNS", "ITEM_NAMES", "LIST_COLUMNS", "LIST_NAMES"]

_NOT_REPORTED = "not reported"

#: Of a stay, one value each; several values of one stay are joined by ``|`` in the order told.
LIST_COLUMNS: tuple[Column, ...] = (
    Column("insured_no", "str", "", "医保编号", "Insured number (hi_no).", _NOT_REPORTED),
    Column("record_no", "str", "", "病案号", "Medical record (medcasno).", _NOT_REPORTED),
    Column("birth_date", "date", "", "出生日期", "Date of birth (brdy).", _NOT_REPORTED),
    Column("nationality", "str", "dictionary ntly", "国籍", "Nationality.", _NOT_REPORTED),
    Column("occupation", "str", "dictionary prfs", "职业", "Occupation.", _NOT_REPORTED),
    Column(
        "contact_relation", "str", "dictionary patn_rlts", "联系人关系",
        "Relation of the contact person to the patient.", _NOT_REPORTED,
    ),
    Column(
        "contact_address", "str", "", "联系人地址", "Address of the contact person.", _NOT_REPORTED,
    ),
    Column(
        "contact_phone", "str", "", "联系人电话", "Telephone of the contact person.", _NOT_REPORTED,
    ),
    Column(
        "newborn_admission_type", "str", "dictionary nwb_adm_type: 1-4, 9; several joined by |",
        "新生儿入院类型", "Kind of a newborn's admission.", "not reported, or not a newborn",
    ),
    Column(
        "inpatient_type", "str", "1 inpatient, 2 day surgery", "住院医疗类型",
        "Kind of stay (ipt_med_type).", _NOT_REPORTED,
    ),
    Column(
        "admission_route", "str", "1 emergency, 2 outpatient, 3 transfer, 9 other", "入院途径",
        "How the patient came (adm_way).", _NOT_REPORTED,
    ),
    Column(
        "treatment_type", "str", "1, 2.1, 2.2, 3", "治疗类别",
        "Western, Chinese, ethnic or combined medicine (trt_type).", _NOT_REPORTED,
    ),
    Column(
        "admission_department", "str", "", "入院科别", "Department of admission.", _NOT_REPORTED,
    ),
    Column("doctor", "str", "", "主诊医师", "Attending doctor, code or name.", _NOT_REPORTED),
    Column(
        "vent_duration", "str", "days/hours/minutes", "呼吸机使用时间",
        "Invasive ventilation as the list writes it (vent_used_dura).", _NOT_REPORTED,
    ),
    Column(
        "icu_from", "str", "times, joined by |", "重症监护进入时间",
        "Entries into intensive care, in order.", "not reported, or none",
    ),
    Column(
        "icu_to", "str", "times, joined by |", "重症监护退出时间",
        "Exits from intensive care, in the order of the entries.", "not reported, or none",
    ),
    Column(
        "dx_count", "int", "", "诊断代码计数", "Diagnoses as counted by the hospital.",
        _NOT_REPORTED,
    ),
    Column(
        "op_count", "int", "", "手术操作代码计数", "Procedures as counted by the hospital.",
        _NOT_REPORTED,
    ),
    Column(
        "conditions_at_admission", "str", "adm_cond_type 1-4, joined by |", "入院病情",
        "Condition at admission of each diagnosis, in order: 1 there, 2 in doubt, 3 unknown, "
        "4 not there.",
        _NOT_REPORTED,
    ),
    Column(
        "procedure_dates", "str", "days, joined by |", "手术操作日期",
        "Day of each procedure, in order.", _NOT_REPORTED,
    ),
    Column(
        "outpatient_diagnosis", "str", "", "门（急）诊诊断编码", "Diagnosis before admission.",
        _NOT_REPORTED,
    ),
    Column(
        "chronic_department", "str", "", "门慢门特就诊科别",
        "Department of outpatient care for a chronic disease (opsp_diag_caty).",
        "not reported, or no such care",
    ),
    Column(
        "planned_readmission", "str", "1/0, 是/否; 2 is yes where 1 is no", "31天内再住院计划",
        "Whether a stay within 31 days is planned (days_rinp_flag_31).", _NOT_REPORTED,
    ),
    Column(
        "uploaded_on", "date", "", "清单上传日期", "Day the list was declared (dcla_time).",
        _NOT_REPORTED,
    ),
    Column(
        "list_status", "str", "0 not submitted, 1 submitted, 2 passed, 3 failed", "清单状态",
        "What became of the list at the agency (stas_type).", _NOT_REPORTED,
    ),
    Column(
        "item_total", "money", "yuan", "费用明细合计", "Sum of the charges by class (iteminfo).",
        _NOT_REPORTED,
    ),
    Column(
        "fund_paid", "money", "yuan", "基金支付总额", "Paid by all funds (fund_pay_sumamt).",
        _NOT_REPORTED,
    ),
    Column(
        "basic_paid", "money", "yuan", "统筹基金支付", "Paid by the pool of basic insurance "
        "(hifp_pay).", _NOT_REPORTED,
    ),
    Column(
        "hospital_paid", "money", "yuan", "医院负担金额", "Borne by the hospital (hosp_part_amt).",
        _NOT_REPORTED,
    ),
    Column(
        "account_paid", "money", "yuan", "个人账户支付", "Paid from the personal account.",
        _NOT_REPORTED,
    ),
    Column(
        "over_limit_paid", "money", "yuan", "超限价自费", "Charges above price limits, paid by the "
        "patient (overlmt_selfpay).", _NOT_REPORTED,
    ),
    Column(
        "pay_mode", "str", "hi_paymtd 1-7, 9", "医保支付方式", "Mode of payment.", _NOT_REPORTED,
    ),
    Column(
        "consumable_cost", "money", "yuan", "耗材费", "Charges for consumables.", _NOT_REPORTED,
    ),
    Column(
        "test_cost", "money", "yuan", "检查检验费", "Charges for examinations and laboratory.",
        _NOT_REPORTED,
    ),
    Column(
        "service_cost", "money", "yuan", "医疗服务费",
        "Charges for medical service: consultation, treatment, surgery, nursing.", _NOT_REPORTED,
    ),
    Column(
        "prior_outpatient_cost", "money", "yuan", "入院前7日门诊费用",
        "Outpatient charges of the seven days before admission.", _NOT_REPORTED,
    ),
    Column(
        "off_site", "str", "as the plan names it; empty: at home", "异地就医",
        "Care away from the insured place, with or without a referral.", "at home",
    ),
    Column(
        "retired", "str", "1/0, 是/否; psn_type 11 working, 21 retired", "退休",
        "Whether the insured person is retired.", _NOT_REPORTED,
    ),
    Column(
        "hospital_infection", "str", "1/0, 是/否", "医院感染",
        "Whether the patient caught an infection in hospital.", _NOT_REPORTED,
    ),
    Column(
        "surgery_level", "str", "1-4", "手术级别",
        "Highest level of the stay's operations; the front sheet has it, the list does not.",
        "not reported, or no operation",
    ),
    Column(
        "region_level", "str", "as the plan names it", "就医地区层级",
        "Where the hospital lies, seen from the insured place: county, city, province.",
        _NOT_REPORTED,
    ),
)  # fmt: skip

#: One row a charge. ``claim_id`` ties it to its stay.
ITEM_COLUMNS: tuple[Column, ...] = (
    Column("claim_id", "str", "", "结算ID", "Stay the charge belongs to.", "belongs to no stay"),
    Column("item_code", "str", "", "项目编码", "National code of drug or service.", _NOT_REPORTED),
    Column("item_name", "str", "", "项目名称", "Name of drug or service.", _NOT_REPORTED),
    Column("charged_on", "date", "", "费用发生日期", "Day of the charge.", _NOT_REPORTED),
    Column("quantity", "money", "up to 4 places; refunds below zero", "数量", "How many.",
           _NOT_REPORTED),
    Column("unit_price", "money", "yuan", "单价", "Price of one.", _NOT_REPORTED),
    Column("amount", "money", "yuan; refunds below zero", "金额", "Charge.", _NOT_REPORTED),
    Column(
        "in_scope_amount", "money", "yuan", "符合范围金额", "Part in scope (inscp_amt).",
        _NOT_REPORTED,
    ),
    Column(
        "fee_class", "str", "med_chrgitm 01-14", "收费项目类别", "Class of the charge.",
        _NOT_REPORTED,
    ),
    Column(
        "item_level", "str", "chrgitm_lv: 01 A, 02 B, 03 own", "收费项目等级",
        "Class in the catalogue.", _NOT_REPORTED,
    ),
    Column("item_department", "str", "", "开单科室", "Department that ordered it.", _NOT_REPORTED),
    Column("item_doctor", "str", "", "开单医师", "Doctor who ordered it.", _NOT_REPORTED),
)  # fmt: skip

LIST_NAMES: tuple[str, ...] = tuple(column.name for column in LIST_COLUMNS)
ITEM_NAMES: tuple[str, ...] = tuple(column.name for column in ITEM_COLUMNS)
