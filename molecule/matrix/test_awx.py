"""The examples for AWX: the job as AWX runs it, by ansible-runner, and the execution environment's contents."""

import json
import os
import shutil
import subprocess

import pytest
import yaml
from controller import ROOT, WORK, on_host

EXAMPLE = ROOT / 'docs' / 'awx' / 'job'
MODULE = 'pgedge.platform.patroni_install'


class Job:
    """One run of the example, with another inventory, and what differs in its answers and its environment."""

    def __init__(self, directory, answers, variables):
        shutil.copytree(EXAMPLE, directory)
        shutil.rmtree(directory / 'inventory')
        (directory / 'inventory').mkdir()
        shutil.copy(WORK / 'bare', directory / 'inventory' / 'hosts')
        change(directory / 'env' / 'extravars', answers)
        change(directory / 'env' / 'envvars', variables)
        helpers = os.environ['ANSIBLE_COLLECTIONS_PATH'].split(':')[1]
        done = subprocess.run(
            ['ansible-runner', 'run', directory, '-p', 'install_patroni.yml', '--ident', 'job'],
            env={**os.environ, 'ANSIBLE_COLLECTIONS_PATH': f'{WORK}/collection/.ansible/collections:{helpers}'},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)
        self.status, self.said = done.returncode, done.stdout + done.stderr
        events = sorted((directory / 'artifacts/job/job_events').glob('*.json'),
                        key=lambda path: int(path.name.split('-')[0]))
        self.events = [json.loads(path.read_text()) for path in events]

    def result(self, kind):
        """Return the module's result, from the one event of that kind that has it."""
        found = [event['event_data']['res'] for event in self.events
                 if event['event'] == kind and event['event_data'].get('task_action') == MODULE]
        assert len(found) == 1, self.said
        return found[0]


def change(path, values):
    path.write_text(json.dumps({**yaml.safe_load(path.read_text()), **values}))


@pytest.fixture(name='job')
def make_job(tmp_path):
    return lambda name, answers=None, variables=None: Job(tmp_path / name, answers or {}, variables or {})


def test_a_job_installs_and_a_second_one_changes_nothing(job):
    """The host has no Python before; pipx brings it."""
    assert on_host('bare', 'test', '-e', '/usr/bin/python3') == 1
    first = job('first')
    assert first.status == 0, first.said
    result = first.result('runner_on_ok')
    assert result['changed'] is True
    assert result['ansible_facts']['pgedge_patroni'] == result['patroni']
    assert result['patroni']['version'].split('.')[0].isdigit()
    assert on_host('bare', 'sudo', '-i', '-u', 'postgres', 'patroni', '--version') == 0
    second = job('second')
    assert second.status == 0, second.said
    assert second.result('runner_on_ok')['changed'] is False


def test_a_credential_reaches_pip_and_no_event(job):
    """The index of the credential is one that nobody serves."""
    run = job('job', {'patroni_state': 'latest'}, {'PATRONI_INDEX_URL': 'http://reader:correct-horse@127.0.0.1:9/simple'})
    assert run.status != 0
    assert 'the index refuses connections' in run.result('runner_on_failed')['msg']
    assert 'correct-horse' not in json.dumps(run.events) + run.said


def test_the_execution_environment_gets_the_collection(tmp_path):
    """Its images cannot be built everywhere. Their contents, and the command that installs the collection, can be tried."""
    version = yaml.load((ROOT / 'galaxy.yml').read_text().partition('refusal:')[0], yaml.SafeLoader)['version']
    context = tmp_path / 'context'
    subprocess.run(['ansible-builder', 'create', '-f', ROOT / 'execution-environment.yml', '-c', context], check=True,
                   cwd=ROOT)
    command = next(line for line in (context / 'Containerfile').read_text().splitlines()
                   if 'ansible-galaxy collection install' in line)
    command = command.removeprefix('RUN ').replace('/usr/share/ansible', str(tmp_path))
    subprocess.run(['sh', '-c', command], check=True, cwd=context / '_build',
                   env={**os.environ, 'ANSIBLE_COLLECTIONS_PATH': str(tmp_path)})
    installed = tmp_path / 'collections/ansible_collections/pgedge/platform'
    assert json.loads((installed / 'MANIFEST.json').read_text())['collection_info']['version'] == version
    for arch in ('amd64', 'arm64'):
        program = f'plugins/modules/__patroni_install_{arch}'
        staged = ROOT / 'build/ansible_collections/pgedge/platform' / program
        assert (installed / program).read_bytes() == staged.read_bytes()
