"""The state as JSON files: a folder that the original starts with, written and read as one consistent whole.

`plan` says what a file is, `all_plans` names all of them; `folder` changes them together, `rest` holds what the
original has no place for, and `load` reads everything back. `modes` serves on them, `shadow` compares reads, and
`proof` compares records.
"""
