# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests of the examples for AWX, against what the role accepts."""

from __future__ import annotations

import json
import pathlib

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = pathlib.Path(__file__).parents[3]
AWX = ROOT / 'docs' / 'awx'
SURVEY = json.loads((AWX / 'survey.json').read_text())
SPECS = yaml.safe_load((ROOT / 'roles/install_patroni/meta/argument_specs.yml').read_text())['argument_specs']
OPTIONS = SPECS['main']['options']

# The kinds of questions that AWX has, for the types of the role's variables.
QUESTIONS = {'str': {'text'}, 'path': {'text'}, 'int': {'integer'}, 'bool': {'multiplechoice'}, 'list': {'multiselect'}}


def answer(question):
    """Return what AWX sends for a question that is left as it is: a list for a multiselect."""
    return question['default'].split('\n') if question['type'] == 'multiselect' else question['default']


def extravars():
    return yaml.safe_load((AWX / 'job/env/extravars').read_text())


@pytest.mark.parametrize('question', SURVEY['spec'], ids=lambda question: question['variable'])
def test_a_question_asks_for_what_the_role_accepts(question):
    option = OPTIONS[question['variable']]
    wanted = {'multiplechoice'} if 'choices' in option else QUESTIONS[option['type']]
    assert question['type'] in wanted
    if 'choices' in option:
        assert question['choices'] == option['choices']
    default = option.get('default', '')
    if option['type'] == 'bool':
        assert question['choices'] == ['true', 'false']
        default = str(default).lower()
    assert answer(question) == default
    assert question['required'] == bool(default)


def test_each_variable_is_asked_for_once():
    variables = [question['variable'] for question in SURVEY['spec']]
    assert len(set(variables)) == len(variables)


@pytest.mark.parametrize('answers', [{q['variable']: answer(q) for q in SURVEY['spec']}, extravars()],
                         ids=['survey', 'job'])
def test_the_role_accepts_the_answers(answers):
    assert ArgumentSpecValidator(OPTIONS).validate(answers).error_messages == []


def test_the_example_job_has_the_answers_of_the_survey():
    assert extravars() == {question['variable']: answer(question) for question in SURVEY['spec']}


def test_a_selection_has_only_choices():
    for question in SURVEY['spec']:
        if question['type'] == 'multiselect':
            assert set(answer(question)) <= set(question['choices'])


def test_the_credential_is_the_variable_that_the_playbook_reads():
    injected = json.loads((AWX / 'credential_type.json').read_text())['injectors']['env']
    play = yaml.safe_load((AWX / 'job/project/install_patroni.yml').read_text())[0]
    name, = injected
    assert name in yaml.safe_load((AWX / 'job/env/envvars').read_text())
    assert play['vars']['patroni_index_url'] == '{{ lookup(' + f"'ansible.builtin.env', '{name}'" + ') }}'
