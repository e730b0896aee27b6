#!/usr/bin/env bash
# certificates.sh: the certificates that Tenet needs where the wire is not trusted.
#
#   tools/certificates.sh ca DIR                      a certificate authority: DIR/ca.pem, DIR/ca.key
#   tools/certificates.sh controller DIR ADDRESS ...  the controller's own, for the addresses and names that hypervisors
#                                                     and clients use: DIR/controller.pem, DIR/controller.key
#   tools/certificates.sh member DIR NAME ADDRESS ... the same for a member of a cluster, which is a client of etcd and may
#                                                     serve as etcd's on its host, too: DIR/NAME.pem, DIR/NAME.key
#   tools/certificates.sh hypervisor DIR NAME         a hypervisor's, NAME is its external_ids:system-id: DIR/NAME.pem,
#                                                     DIR/NAME.key
#
# On the controller, in its configuration file:
#
#   [security]
#   ca = DIR/ca.pem
#   certificate = DIR/controller.pem
#   private_key = DIR/controller.key
#
# On the hypervisor, with NAME.pem, NAME.key and ca.pem copied to it (never ca.key):
#
#   ovs-vsctl set Open_vSwitch . external_ids:system-id=NAME    # Debian: and in /etc/openvswitch/system-id.conf
#   ovs-vsctl set-ssl /etc/openvswitch/NAME.key /etc/openvswitch/NAME.pem /etc/openvswitch/ca.pem
#   ovs-vsctl set-manager ssl:CONTROLLER:6640
#
# A client of the REST API: curl --cacert DIR/ca.pem https://CONTROLLER:9696/
#
# Keys are EC P-256; DAYS (825) says how long a certificate is valid, the authority's is valid for ten years.  A file that
# exists is never overwritten.  Whoever has ca.key can make a hypervisor that the controller trusts: keep it elsewhere.
set -euo pipefail
umask 077
days=${DAYS:-825}

usage() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }

new() { # FILE: refuse to write over it
    [ ! -e "$1" ] || { echo "$1 is there already" >&2; exit 1; }
}

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

authority() { # DIR
    mkdir -p "$1"
    new "$1/ca.pem"
    key "$1/ca.key"
    openssl req -x509 -new -sha256 -key "$1/ca.key" -days 3650 -subj "/CN=Tenet CA" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -out "$1/ca.pem"
    chmod 644 "$1/ca.pem"
}

issue() { # DIR FILE COMMON-NAME USAGE [SUBJECT-ALTERNATIVE-NAMES]
    local dir=$1 file=$1/$2 name=$3 usage=$4 alternatives=${5:-}
    [ -r "$dir/ca.key" ] || { echo "no authority in $dir: first run $0 ca $dir" >&2; exit 1; }
    new "$file.pem"
    key "$file.key"
    openssl req -new -sha256 -key "$file.key" -subj "/CN=$name" |
        openssl x509 -req -sha256 -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
            -days "$days" -out "$file.pem" -extfile <(
                echo "basicConstraints=critical,CA:FALSE"
                echo "keyUsage=critical,digitalSignature"
                echo "extendedKeyUsage=$usage"
                [ -z "$alternatives" ] || echo "subjectAltName=$alternatives"
            ) 2>/dev/null
    chmod 644 "$file.pem"
}

alternatives() { # ADDRESS-OR-NAME ... -> IP:..,DNS:..
    local each result=()
    for each in "$@"; do
        case $each in
            *:* | *[0-9].*[0-9].*[0-9].*[0-9]) result+=("IP:$each") ;;
            *) result+=("DNS:$each") ;;
        esac
    done
    (IFS=,; echo "${result[*]}")
}

[ $# -ge 2 ] || usage
what=$1 dir=$2
shift 2
case $what in
    ca) [ $# -eq 0 ] || usage; authority "$dir" ;;
    controller) [ $# -ge 1 ] || usage; issue "$dir" controller "$1" serverAuth,clientAuth "$(alternatives "$@")" ;;
    member) [ $# -ge 2 ] || usage; name=$1; shift; issue "$dir" "$name" "$name" serverAuth,clientAuth "$(alternatives "$@")" ;;
    hypervisor) [ $# -eq 1 ] || usage; issue "$dir" "$1" "$1" clientAuth ;;
    *) usage ;;
esac
