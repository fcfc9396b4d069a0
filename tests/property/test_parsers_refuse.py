"""Every parser of outside data takes its bytes or refuses them with the one error that it promises."""

import json

import pytest
from fuzz.targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st

by_name = {target.name: target for target in TARGETS}
every_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


@every_target
@settings(max_examples=40)
@given(data=st.binary(max_size=200))
def test_any_bytes(target, data):
    target(data)


@every_target
@settings(max_examples=40)
@given(data=st.data())
def test_an_example_with_a_stretch_of_it_changed(target, data):
    size = len(target.example)
    at = data.draw(st.integers(0, min(size - 1, 4000)))
    gone, new = data.draw(st.integers(0, 9)), data.draw(st.binary(max_size=9))
    target(target.example[:at] + new + target.example[at + gone :])


@pytest.mark.parametrize("name", ["state of a brain", "resume record", "report"])
@settings(max_examples=40)
@given(document=documents, data=st.data())
def test_json_of_any_shape(name, document, data):
    target = by_name[name]
    whole = json.loads(target.example)
    field = data.draw(st.sampled_from(sorted(whole)))
    assert not target(json.dumps(document).encode())
    target(json.dumps({**whole, field: document}).encode())
    target(json.dumps({key: value for key, value in whole.items() if key != field}).encode())


@every_target
def test_the_example_is_taken_or_is_a_beginning(target):
    assert target(target.example) or target.name == "report"


@pytest.mark.parametrize("value", [None, True, -1, 2.5, "x", [], [[]], {"x": 1}])
def test_every_part_of_a_state_is_refused_in_another_shape(value):
    target = by_name["state of a brain"]
    whole = json.loads(target.example)
    for part, was in whole.items():
        if type(was) is not type(value):
            assert not target(json.dumps({**whole, part: value}).encode()), part
