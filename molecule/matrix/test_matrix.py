"""The cells of the matrix: what people do with the module, with one ansible-core. Run by `run`."""

import os
import re
import shutil
import subprocess
import zipfile

import pytest
from controller import ROOT, WORK, Controller, forbidding, on_host

MODULE = 'pgedge.platform.patroni_install'
ELSEWHERE = 'config_dir=/etc/patroni-elsewhere'


def assert_untouched(result):
    """The host had Patroni: nothing was done, and the facts are there."""
    assert (result['changed'], result['failed']) == (False, False), result
    assert result['ansible_facts']['pgedge_patroni'] == result['patroni']
    assert int(result['patroni']['version'].split('.')[0]) > 3


def test_full_name(controller):
    """Ad hoc by full name"""
    assert_untouched(controller.ad_hoc(MODULE))


def test_short_name(controller):
    """Ad hoc by short name after `make install`"""
    controller.install_plugins()
    assert_untouched(controller.ad_hoc('patroni_install'))


def test_key_value(controller):
    """Arguments as key=value"""
    assert_untouched(controller.ad_hoc(
        MODULE, 'state=present extras=psycopg2-binary,etcd manage_path=yes completion=0 lock_timeout=60 '
                'version=">=4.0,<99"'))


@pytest.mark.parametrize('arguments, want', [
    ('lock_timeout=soon', """argument 'lock_timeout' is of type str and we were unable to convert to int: "'soon'" cannot be"""),
    ('colour=red', rf'Unsupported parameters for \({re.escape(MODULE)}\) module: colour. Supported parameters include: '),
])
def test_bad_key_value(controller, arguments, want):
    """Bad arguments, refused in Ansible's words"""
    result = controller.ad_hoc(MODULE, arguments)
    assert result['failed'] is True
    assert re.search(want, result['msg'])


def test_role(controller):
    """Playbook with the role"""
    controller.play('role')
    assert controller.recap()['changed'] == 0


def test_facts(controller):
    """Playbook with the role and facts"""
    controller.play('facts')
    assert controller.recap()['changed'] == 0


def test_collections(controller):
    """`collections:` and `module_defaults` in a playbook"""
    controller.play('collections')


def test_delegated(controller):
    """Delegated task"""
    controller.play('delegated')


def test_check(controller):
    """Check mode"""
    result = controller.ad_hoc(MODULE, ELSEWHERE, '--check')
    assert result['changed'] is True
    assert on_host('healthy', 'test', '-e', '/etc/patroni-elsewhere') == 1


def test_diff(controller):
    """Check mode with `--diff`"""
    controller.ad_hoc(MODULE, ELSEWHERE, '--check', '--diff')
    assert re.search(r'^\+.*/etc/patroni-elsewhere', controller.said, re.MULTILINE), controller.said
    controller.play('role', '--check', '--diff', patroni_config_dir='/etc/patroni-elsewhere')
    assert re.search(r'^\+.*/etc/patroni-elsewhere', controller.said, re.MULTILINE), controller.said
    assert controller.recap()['changed'] == 1


def test_async(controller):
    """Ad hoc in the background (`-B 60 -P 1`)"""
    assert_untouched(controller.ad_hoc(MODULE, '', '-B', '60', '-P', '1'))


def test_background(controller):
    """Task in the background, asked for later"""
    controller.play('background')


@pytest.mark.parametrize('options', [(), ('--become', '--become-user', 'postgres')])
def test_become(controller, options):
    """Without `become`, or as another user than root: refused by name"""
    result = controller.ad_hoc(MODULE, '', *options, become=False)
    assert result['failed'] is True
    assert 'become root (become: true in the play or the task, -b on the command line)' in result['msg']


def test_environment(controller):
    """`environment` reaches pip"""
    controller.play('environment')


def test_no_log(controller):
    """`no_log` hides a password at any verbosity"""
    controller.play('no_log', '-vvv')
    assert 'censored' in controller.said
    assert 'correct-horse' not in controller.said


def test_wheelhouse(controller, tmp_path):
    """Wheelhouse of the controller"""
    wheels = tmp_path / 'wheels'
    wheels.mkdir()
    with zipfile.ZipFile(wheels / 'foreign-1.0-py3-none-any.whl', 'w') as wheel:
        wheel.writestr('foreign-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n')
    controller.play('wheelhouse', wheelhouse=str(wheels))


def test_program_alone(controller, tmp_path):
    """The program alone in `ANSIBLE_LIBRARY`, its execute permission lost"""
    program = tmp_path / 'library' / 'patroni_install'
    program.parent.mkdir()
    shutil.copyfile(controller.programs_of() / '__patroni_install_amd64', program)
    program.chmod(0o644)
    assert_untouched(controller.ad_hoc('patroni_install', ANSIBLE_LIBRARY=str(program.parent)))


def test_permission_lost(controller):
    """The collection's programs without their execute permission"""
    for program in controller.programs_of().glob('__*'):
        program.chmod(0o644)
    assert_untouched(controller.ad_hoc(MODULE))


def test_program_missing(controller):
    """The collection without its programs: refused by name"""
    for program in controller.programs_of().glob('__*'):
        program.unlink()
    result = controller.ad_hoc(MODULE)
    assert result['failed'] is True
    assert re.match('cannot find the module binary pgedge.platform.__patroni_install_amd64 on the controller: ',
                    result['msg'])


def test_plugin_missing(controller):
    """The collection without its action plugin: refused by name"""
    shutil.rmtree(controller.programs_of().parent / 'action')
    result = controller.ad_hoc(MODULE)
    assert result['failed'] is True
    assert result['msg'].startswith('the action plugin patroni_install is missing on the controller: ')


def test_repository(controller, tmp_path):
    """Installation from the git repository: refused, with what to do"""
    repository = tmp_path / 'platform'
    repository.mkdir()
    shutil.copy(ROOT / 'galaxy.yml', repository)
    git = ['git', '-C', repository, '-c', 'user.name=test', '-c', 'user.email=test@example.com']
    for command in (['init', '-q'], ['add', '.'], ['commit', '-qm', 'Sources']):
        subprocess.run([*git, *command], check=True)
    target = tmp_path / 'target'
    assert controller.run('ansible-galaxy', 'collection', 'install', f'git+file://{repository}', '-p', str(target)) != 0
    assert "not a collection but its sources: install a release's archive or run make collection" in controller.said
    assert not list(target.glob('ansible_collections/*'))


def test_too_old(tmp_path):
    """The newest ansible-core that is too old; this is no row of the table"""
    environment = (WORK / 'too_old').read_text().strip()
    if not environment:
        pytest.skip('no Python for ansible-core 2.13 here')
    controller = Controller(environment, tmp_path)
    controller.install_plugins()
    for name in (MODULE, 'patroni_install'):
        result = controller.ad_hoc(name)
        assert result['failed'] is True
        assert re.search(r'^cannot run patroni_install by ansible-core 2\.13\.\d+: it needs 2\.14 or newer',
                         result['msg'])


def test_noexec(controller):
    """A temporary directory where programs may not be executed: refused, with the remedy"""
    on_host('healthy', 'sh', '-c', 'mkdir -p /noexec; mountpoint -q /noexec || mount -t tmpfs -o noexec,mode=1777 '
                                   'none /noexec')
    result = controller.ad_hoc(MODULE, '', '-e', 'ansible_remote_tmp=/noexec')
    assert result['failed'] is True
    assert 'set ansible_remote_tmp' in result['msg']


def test_application_control(controller):
    """A host that lets only known programs run, as by fapolicyd: refused, with the remedy"""
    with forbidding('healthy', '/guarded'):
        result = controller.ad_hoc(MODULE, '', '-e', 'ansible_remote_tmp=/guarded')
    assert result['failed'] is True
    assert 'operation not permitted. Application control such as fapolicyd' in result['msg']


def test_without_python(controller):
    """Host without Python: playbook with the role and `gather_facts: false`"""
    assert on_host('bare', 'test', '-e', '/usr/bin/python3') == 1
    controller.play('role', '--check', host='bare')
    assert controller.recap('bare')['changed'] == 1


@pytest.mark.parametrize('python, first, last', [('3.6', '2.14', '2.16'), ('3.13', '2.18', '2.99')])
def test_interpreter(controller, python, first, last):
    """Facts and background by the host's Python {python}"""
    path = f'/opt/{python}/bin/python{python}'
    core = tuple(map(int, controller.version.split('.')[:2]))
    if not tuple(map(int, first.split('.'))) <= core <= tuple(map(int, last.split('.'))):
        pytest.skip(f'ansible-core {controller.version} does not support Python {python} on hosts')
    if on_host('healthy', path, '-c', ''):
        pytest.skip(f'this machine has no Python {python} for the host')
    controller.play('interpreter', interpreter=path)


def test_sanity(controller):
    """`ansible-test sanity` of this core: nothing to object to"""
    if not os.environ.get('MATRIX_TABLE'):
        pytest.skip('it takes a minute with each core, and make lint runs one')
    done = subprocess.run([ROOT / '.ci' / 'sanity', controller.programs.parent], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
