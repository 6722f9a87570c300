#!/usr/bin/env python3
"""How long `fairlead -c` takes on a configuration of 5,000 lines. By hand, on an optimised build.

usage: check_time.py [build folder]"""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

LINES = 5000
RUNS = 20


def configuration():
    lines = ['#!KAMAILIO', 'listen=udp:127.0.0.1:5060', '#!define LIMIT 5', 'loadmodule "pv.so"',
             'loadmodule "sl.so"', 'loadmodule "tm.so"', 'loadmodule "xlog.so"',
             'request_route {', '    route(R0);', '}']
    route = 0
    while len(lines) < LINES:
        lines += [f'route[R{route}] {{',
                  f'    if ($rm == "INVITE" && $rU =~ "^[0-9]+{route % 97}$") {{',
                  f'        $var(a) = $var(a) + {route};',
                  '        xlog("L_INFO", "from $fu to $tu ($(ru{s.len})) $ci\\n");',
                  '    } else if (src_ip == 10.0.0.0/8 || $hdr(X-A) != $null) {',
                  '        $avp(b) = "text " + $rU;',
                  '        sl_send_reply("404", "Not Found");',
                  '    }', '    switch ($var(a)) {', '        case 1:',
                  '            exit;', '        default:', '            $var(b) = LIMIT;', '    }',
                  f'    $var(c) = $avp(b) + $var(b); route(R{route + 1});', '}']
        route += 1
    return '\n'.join([*lines, f'route[R{route}] {{', '    t_relay();', '}']) + '\n'


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else 'build').resolve()
    with tempfile.NamedTemporaryFile('w', suffix='.cfg') as file:
        text = configuration()
        file.write(text)
        file.flush()
        command = [build / 'core/fairlead', '-c', '-L', build / 'modules', '-f', file.name]
        times = []
        for _ in range(RUNS):
            begin = time.perf_counter()
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            times.append((time.perf_counter() - begin) * 1000)
            if run.returncode != 0:
                sys.exit(run.stderr)
    print(f'{text.count(chr(10))} lines: best {min(times):.1f} ms, '
          f'median {statistics.median(times):.1f} ms of {RUNS}')


if __name__ == '__main__':
    main()
