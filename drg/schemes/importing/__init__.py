"""Schemes from elsewhere: a folder of tables or a bureau's workbook into a folder of ours."""
