# SPDX-License-Identifier: Apache-2.0
"""Starting and stopping: options, exit codes, pid files, daemonising, users, addresses in use."""
import os
import signal
import socket
import subprocess

import fairlead
from fairlead import Client, Server


def test_check_says_ok_and_opens_nothing():
    server = Server()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", server.port))  # a check does not mind
        result = fairlead.run("-c", "-f", server.config)
    assert result.returncode == 0, result
    assert result.stderr.endswith("config file ok, exiting...\n"), result
    assert "Listening on" in result.stdout and "Aliases:" in result.stdout, result
    assert f"udp: 127.0.0.1:{server.port}" in result.stdout, result
    assert not os.path.exists(server.pid_file)
    server.directory.cleanup()


def test_wrong_options_end_with_255():
    for args, text in [(["-Z"], "Unknown option '-Z'. Use -h for help.\n"),
                       (["stray"], "error: 'stray' is not a supported argument\n"),
                       (["-n", "many"], "bad process number: -n many\n")]:
        result = fairlead.run(*args)
        assert result.returncode == 255 and result.stderr == text, (args, result)


def test_help_and_version_end_with_0():
    for option in ("-h", "-v", "-V", "--version", "-I"):
        result = fairlead.run(option)
        assert result.returncode == 0 and result.stdout.startswith("version: fairlead "), result


def test_wrong_files_are_refused_with_all_their_errors():
    folder = os.path.join(os.path.dirname(__file__), "../cfg/wrong")
    files = sorted(name for name in os.listdir(folder) if name.endswith(".cfg"))
    assert len(files) >= 10, files
    for name in files:
        result = fairlead.run("-c", "-L", fairlead.MODULES, "-f", name, cwd=folder)
        assert result.returncode == 255, (name, result)
        with open(os.path.join(folder, name[:-4] + ".expected")) as expected:
            text = expected.read().replace("MODULES", fairlead.MODULES)
        assert result.stderr.startswith(text + "ERROR: bad config file ("), (name, result.stderr)


def test_missing_configuration():
    result = fairlead.run("-f", "/nonexistent/x.cfg")
    assert result.returncode == 255
    assert result.stderr.startswith(
        "ERROR: loading config file(/nonexistent/x.cfg): No such file or directory"), result


def test_bad_configuration_names_the_place():
    server = Server(config="childern=3\nrequest_route {{ exit; }}\n")
    result = fairlead.run("-c", "-f", server.config)
    assert result.returncode == 255
    assert "server.cfg:1:1: error: unknown parameter childern" in result.stderr, result
    assert "did you mean children?" in result.stderr
    assert "bad config file (1 errors)" in result.stderr
    server.directory.cleanup()


def test_cfg_print_shows_the_text_after_preprocessing():
    server = Server(config="#!ifdef X\nchildren=3\n#!else\nchildren=4\n#!endif\n"
                           "request_route {{ exit; }}\n")
    assert "children=3" in fairlead.run("--cfg-print", "-A", "X", "-f", server.config).stdout
    assert "children=4" in fairlead.run("--cfg-print", "-f", server.config).stdout
    server.directory.cleanup()


def test_substitution_of_the_command_line():
    server = Server(config='request_route {{ xyz; }}\nlog_name="NAME"\n')
    result = fairlead.run("--cfg-print", "--subst=/NAME/other/", "-f", server.config)
    assert '"other"' in result.stdout, result
    server.directory.cleanup()


def test_serves_and_stops_upon_sigterm_and_sigint():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Server() as server:
            with open(server.pid_file) as f:
                assert f.read() == f"{server.pid}\n"
            assert os.stat(server.pid_file).st_mode & 0o777 == 0o644
            client = Client(server.port)
            assert client.ask() == 200
            client.close()
            server.stop(number)


def test_signals_that_do_not_stop_it():
    with Server() as server:
        client = Client(server.port)
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
            os.kill(server.pid, number)
            assert client.ask() == 200
        for line in ("sl:200_replies = ", "shmem:total_size = "):
            fairlead.wait_until(lambda: line in server.log(), line)
        client.close()


def test_one_process():
    with Server("-D") as server:
        assert server.workers() == []
        client = Client(server.port)
        assert client.ask() == 200
        client.close()
        server.stop(signal.SIGINT)


def test_over_ipv6():
    with Server(host="::1") as server:
        client = Client(server.port, "::1")
        assert client.ask() == 200
        client.close()


def test_address_in_use():
    with Server() as first:
        second = Server()
        second.args += ["-l", f"udp:127.0.0.1:{first.port}"]
        result = fairlead.run(*second.args, "-DD")
        assert result.returncode == 255, result
        assert f"udp:127.0.0.1:{first.port}: Address already in use" in result.stderr, result
        second.directory.cleanup()


def test_live_pid_file_is_refused():
    with Server() as first:
        second = Server()
        result = fairlead.run("-f", second.config, "-P", first.pid_file, "-w", second.path, "-DD")
        assert result.returncode == 255, result
        assert "a running process" in result.stderr, result
        second.directory.cleanup()


def test_stale_pid_file_is_replaced():
    server = Server()
    ended = subprocess.Popen(["true"])
    ended.wait()
    with open(server.pid_file, "w") as f:
        f.write(f"{ended.pid}\n")
    with server:
        with open(server.pid_file) as f:
            assert int(f.read()) == server.pid


def test_daemon():
    with Server(daemon=True) as server:
        assert os.getsid(server.pid) != os.getsid(0)
        for descriptor in (0, 1):
            assert os.readlink(f"/proc/{server.pid}/fd/{descriptor}") == "/dev/null"
        client = Client(server.port)
        assert client.ask() == 200
        client.close()


def test_daemon_that_cannot_start_ends_with_255():
    server = Server(extra='loadmodule "crash.so"\nmodparam("crash", "start_fails", 1)')
    result = fairlead.run(*server.args)
    assert result.returncode == 255, result
    assert "a process could not start" in result.stderr, result
    assert not os.path.exists(server.pid_file)
    server.directory.cleanup()


def test_user_and_group():
    if os.geteuid() != 0:
        return
    with Server("-u", "nobody", "-g", "nogroup") as server:
        for pid in server.family():
            with open(f"/proc/{pid}/status") as f:
                status = f.read()
            assert "Uid:\t65534\t65534\t65534\t65534" in status, status
            assert "Gid:\t65534\t65534\t65534\t65534" in status, status
        client = Client(server.port)
        assert client.ask() == 200
        client.close()
        os.chmod(server.path, 0o777)  # so that the pid file can be removed


def test_unknown_user():
    server = Server()
    result = fairlead.run(*server.args, "-DD", "-u", "no-such-user")
    assert result.returncode == 255 and "bad user name: no-such-user" in result.stderr, result
    server.directory.cleanup()


fairlead.main(dict(globals()))
