"""Diagnosis: from what was measured to what is wrong, in words that a person acts on.

`rules` is pure: a report in, findings out. `investigate` runs what a rule needs to know more: output discarded, a
debugger, a smaller text. `witness` shrinks a text, `forecast` says where the next break is.
"""
