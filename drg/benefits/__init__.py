"""The patient's side: basic insurance, critical illness, medical assistance, local backstops."""
