# Hosts for tests, which scripts source: each a network namespace with an OpenSSH server of its own,
# at the end of a cable (veth). Run such a script by in_namespaces, so that nothing of it is seen
# outside, and nothing outlives it.

in_namespaces() { # COMMAND...
    unshare --net --mount --pid --fork --kill-child --mount-proc "$@"
}

# Why there can be no hosts here; nothing where there can.
no_hosts() {
    [ -x /usr/sbin/sshd ] && command -v ssh ip nsenter >/dev/null || { echo "no sshd, ssh, ip or nsenter"; return; }
    in_namespaces ip link add v0 type veth peer name p0 >/dev/null 2>&1 || echo "no network namespaces"
}

declare -A host_of # the process that holds the namespace of host N

hosts_begin() { # N ...: host N is 10.0.N.2
    local n
    mount -t tmpfs none /run && mkdir /run/sshd
    # bash reads it where sshd starts it, and what is there may be slow or say something
    [ ! -e ~/.bashrc ] || mount --bind /dev/null ~/.bashrc
    ip link set lo up
    ssh-keygen -q -t ed25519 -N '' -f key
    # what campaign(1) gives ssh comes later and so does not count
    printf '#!/bin/bash\nexec ssh -i %q -o %s -o %s -o %s -o %s -o %s -o %s "$@"\n' "$PWD/key" StrictHostKeyChecking=no \
        UserKnownHostsFile=/dev/null LogLevel=ERROR ConnectTimeout=3 ServerAliveInterval=1 ServerAliveCountMax=3 >ssh
    chmod +x ssh
    for n in "$@"; do
        ssh-keygen -q -t ed25519 -N '' -f "hostkey.$n"
        cat >"sshd.$n" <<END
HostKey $PWD/hostkey.$n
PidFile $PWD/sshd.$n.pid
AuthorizedKeysFile $PWD/key.pub
StrictModes no
UsePAM no
PermitRootLogin yes
SetEnv PATH=$PATH DSTOOLS_SCHEMAS=$DSTOOLS_SCHEMAS TMPDIR=${TMPDIR:-/tmp}
END
        unshare --net tail -f /dev/null & # holds the namespace
        host_of[$n]=$!
        until [ "$(readlink "/proc/$!/ns/net")" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.02; done
        ip link add "v$n" type veth peer name "p$n"
        ip link set "p$n" netns "$!"
        ip address add "10.0.$n.1/24" dev "v$n"
        ip link set "v$n" up
        on_host "$n" ip address add "10.0.$n.2/24" dev "p$n"
        on_host "$n" ip link set "p$n" up
        on_host "$n" ip link set lo up
        sshd_begin "$n"
    done
}

on_host() { # N COMMAND...
    nsenter --net --target "${host_of[$1]}" "${@:2}"
}

sshd_begin() { # N
    on_host "$1" /usr/sbin/sshd -f "sshd.$1" -E "sshd.$1.log"
}

# Kills all of a kind on host N; false where there was none.
kill_on() { # N NAME
    local pids
    pids=$(pgrep -x --ns "${host_of[$1]}" --nslist net "$2") || return 1
    # shellcheck disable=SC2086
    kill -9 $pids
}

cable() { # N up|down
    ip link set "v$1" "$2"
}
