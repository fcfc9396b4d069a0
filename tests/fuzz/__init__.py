"""Every parser of outside data, as targets for hypothesis (in the tests) and for atheris (`tox run -e fuzz`)."""
