# shellcheck shell=sh disable=SC2154 # root is the caller's
# What ./tacho and ./test share: packages that are missing, configuring, building, one at a time.
#
# The caller sets `root` (the absolute path of the repository) and sources this file. Everything said here
# goes to standard error, so that `./tacho report --format json > file` holds nothing but the report, and
# nothing here reads standard input, which belongs to the command. A step that is cut off leaves a marker
# or no stamp behind, and the next call repairs it.

say()
{
    printf 'tacho: %s\n' "$*" >&2
}

die()
{
    say "$*"
    exit 3
}

# The last line of standard input, kept on one line of the terminal.
progress()
{
    while IFS= read -r line; do
        printf '\r\033[K%.78s' "$line" >&2
    done
    printf '\r\033[K' >&2
}

# logged LOG COMMAND...: runs the command with its output in LOG, and its last line on a terminal.
logged()
{
    log=$1
    shift
    if [ ! -t 2 ]; then
        "$@" >"$log" 2>&1 </dev/null
        return
    fi
    rm -f "$log.status"
    {
        "$@" 2>&1 </dev/null && code=0 || code=$?
        echo "$code" >"$log.status"
    } | tee "$log" | progress
    [ -e "$log.status" ] || return 130
    read -r code <"$log.status"
    rm -f "$log.status"
    return "$code"
}

# What a person wants to see of a log when the step failed: from the first failure, or the end.
show_failure()
{
    shown=$(sed -n '/^FAILED:/,$p' "$1" | head -n 40)
    [ -n "$shown" ] || shown=$(tail -n 40 "$1")
    printf '%s\n' "$shown" >&2
}

# packages_missing GROUP...: prints the names of the packages that are not installed.
packages_missing()
{
    wanted=
    while read -r group package _; do
        for asked in "$@"; do
            [ "$group" != "$asked" ] || wanted="$wanted $package"
        done
    done <"$root/tools/packages.txt"
    # shellcheck disable=SC2086 # the list is split into words on purpose
    installed=$(dpkg-query -W -f '|${db:Status-Status} ${Package}|' $wanted 2>/dev/null)
    for package in $wanted; do
        case $installed in
        *"|installed $package|"*) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# Prints how to become root: nothing for root itself; fails where there is no way.
become_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        return 0
    fi
    command -v sudo >/dev/null || return 1
    if sudo -n true 2>/dev/null; then
        echo "sudo -n"
    elif [ -t 2 ] && [ -z "${CI:-}" ]; then
        echo "sudo"
    else
        return 1
    fi
}

# Package lists that are missing or older than a week name versions the mirror no longer has.
lists_are_old()
{
    [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -mtime -7 -print -quit 2>/dev/null)" ]
}

# Those of the packages named that apt knows nothing of, by its lists.
packages_unknown()
{
    for package in "$@"; do
        apt-cache show "$package" >/dev/null 2>&1 || printf '%s ' "$package"
    done
}

# apt WORD...: apt-get without questions, as root, into the set-up log.
apt()
{
    # shellcheck disable=SC2086 # nothing or "sudo -n"
    logged "$root/build/setup.log" $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -y -q \
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 "$@"
}

# apt_install PACKAGE...: tries again where the lists were stale or dpkg had been cut off.
apt_install()
{
    if lists_are_old; then
        apt update || say "apt-get update failed; going on with the package lists that are there"
    fi
    apt install --no-install-recommends "$@" && return 0
    if grep -q 'dpkg --configure -a' "$root/build/setup.log"; then
        # shellcheck disable=SC2086 # nothing or "sudo -n"
        logged "$root/build/setup.log" $as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a
    else
        apt update
    fi
    unknown=$(packages_unknown "$@")
    if [ -n "$unknown" ]; then
        say "this system has no package $unknown; going on without"
        for package in $unknown; do
            known=
            for other in "$@"; do
                [ "$other" = "$package" ] || known="$known $other"
            done
            # shellcheck disable=SC2086 # a list of names
            set -- $known
        done
        [ $# -gt 0 ] || return 1
    fi
    apt install --no-install-recommends "$@"
}

# packages_install GROUP...: installs what is missing; says what it cannot do, and goes on.
packages_install()
{
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        for tool in cc cmake ninja pkg-config; do
            command -v "$tool" >/dev/null ||
                say "$tool is missing, and this system has no apt-get; tools/packages.txt lists what is needed"
        done
        return 0
    fi
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    if ! as_root=$(become_root); then
        say "missing packages, and neither root nor sudo to install them; ask for:" \
            "apt-get install $missing"
        return 0
    fi
    say "installing with apt-get: $missing"
    # shellcheck disable=SC2086 # a list of names
    if ! apt_install $missing; then
        tail -n 5 "$root/build/setup.log" >&2
        say "apt-get could not install everything (log: $root/build/setup.log); going on"
    fi
}

# One set-up at a time per repository; the lock goes with the process. The command must not inherit it.
# Fails, having said why, where the build folder is not ours to write.
lock()
{
    mkdir -p "$root/build" 2>/dev/null
    for file in "" /.lock /CMakeCache.txt /build.ninja /build.log; do
        if [ -e "$root/build$file" ] && [ ! -w "$root/build$file" ]; then
            say "cannot write $root/build$file, it may belong to another user (chown -R $(id -un)" \
                "$root/build)"
            return 1
        fi
    done
    exec 9>"$root/build/.lock"
    command -v flock >/dev/null || return 0
    if ! flock -n 9; then
        say "waiting for another tacho that builds in $root/build"
        flock 9
    fi
}

unlock()
{
    exec 9>&-
}

# True where the build folder was configured completely, for this place, with the option given as on.
configured()
{
    [ -e "$root/build/build.ninja" ] && [ ! -e "$root/build/.configuring" ] &&
        grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$root/build/CMakeCache.txt" &&
        { [ -z "$1" ] || grep -qx "$1:BOOL=ON" "$root/build/CMakeCache.txt"; }
}

# configure TESTS: configures build/ unless it is; TESTS is "tests" where they must be part of it.
configure()
{
    option=
    [ "$1" != tests ] || option=TACHO_TESTS
    ! configured "$option" || return 0
    if ! configured ""; then
        rm -rf "$root/build/CMakeCache.txt" "$root/build/CMakeFiles" "$root/build/build.ninja"
    fi
    : >"$root/build/.configuring"
    parts="-DTACHO_TESTS=OFF -DTACHO_BENCH=OFF"
    [ "$1" != tests ] || parts="-DTACHO_TESTS=ON -DTACHO_BENCH=ON"
    # shellcheck disable=SC2086 # two options
    if ! logged "$root/build/configure.log" cmake -S "$root" -B "$root/build" -G Ninja $parts; then
        show_failure "$root/build/configure.log"
        rm -rf "$root/build/CMakeCache.txt" "$root/build/CMakeFiles"
        die "cannot configure the build (log: $root/build/configure.log)"
    fi
    rm -f "$root/build/.configuring"
}

# build TESTS TARGET...: configures and builds the targets; the failure of a compiler is shown and final.
build()
{
    for tool in cc cmake ninja pkg-config; do
        command -v "$tool" >/dev/null ||
            die "cannot build: $tool is missing; install the packages of group build in tools/packages.txt"
    done
    part=$1
    shift
    configure "$part"
    NINJA_STATUS='building %f/%t ' logged "$root/build/build.log" ninja -C "$root/build" "$@" && return 0
    # A library that moved under an old configuration is no fault of the source: configure anew, once.
    if grep -q 'missing and no known rule to make it' "$root/build/build.log"; then
        rm -f "$root/build/build.ninja"
        configure "$part"
        NINJA_STATUS='building %f/%t ' logged "$root/build/build.log" ninja -C "$root/build" "$@" &&
            return 0
    fi
    show_failure "$root/build/build.log"
    die "cannot build (log: $root/build/build.log)"
}
