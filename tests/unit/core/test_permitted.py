"""What a spec asks for beyond its policies: one refusal for each field, with what to ask for."""

from typing import Any

import pytest
from pydantic import ValidationError
from yaml import safe_load_all

from podium.api.v1alpha1.policy import NamespaceSelector, PodiumPolicyManifest, PodiumPolicySpec
from podium.api.v1alpha1.spec.spec import Spec
from podium.core.permissions.addresses import OF_THE_OPERATOR, may_connect
from podium.core.permissions.matching import for_namespace, selects
from podium.core.permissions.patterns import address_of, matches, matches_host, matches_registry
from podium.core.permissions.permitted import one_tenants, permitted, unsafe
from podium.core.permissions.signatures import with_required_keys
from podium.core.refusal import Refusal, named
from tests.signing import Signer
from tests.stories.simulator import spec_of
from tests.yaml_files import POLICIES, title

OWN = "http://mlflow.ml:5000"


def spec(**parts: Any) -> Spec:
    return spec_of("1", **parts)


def policy(**grants: Any) -> PodiumPolicySpec:
    return PodiumPolicySpec.model_validate({"namespaceSelector": {}, **grants})


def refused(given: Spec, *policies: PodiumPolicySpec) -> tuple[Refusal, ...]:
    return permitted(given, "ml", policies, OWN)


def fields(given: Spec, *policies: PodiumPolicySpec) -> list[str]:
    return [each.field for each in refused(given, *policies)]


LOGIN = policy(operatorLogin={"models": ["churn"]})


def test_without_a_policy_the_message_says_that_none_matches() -> None:
    (found,) = refused(spec())
    assert str(found) == (
        'spec.model.name: registered model "churn" of the operator\'s own registry is not permitted: no PodiumPolicy '
        'matches this namespace; ask for operatorLogin.models: ["churn"]'
    )


def test_a_model_and_its_aliases_are_granted_together() -> None:
    assert fields(spec(), LOGIN) == []
    assert fields(spec(model={"name": "fraud", "version": "1"}), LOGIN) == ["spec.model.name"]
    staging = policy(operatorLogin={"models": ["churn"], "aliases": ["staging"]})
    assert fields(spec(), staging) == ["spec.registry.aliases.champion"]
    follows = spec(model={"name": "churn", "alias": "candidate"}, registry={"aliases": {"champion": "staging"}})
    assert fields(follows, staging) == ["spec.model.alias"]
    candidates = policy(operatorLogin={"models": ["churn"], "aliases": ["candidate"]})
    assert fields(follows, staging, candidates) == ["spec.registry.aliases.champion"], "by two policies, neither whole"
    both = policy(operatorLogin={"models": ["churn"], "aliases": ["candidate", "staging"]})
    assert fields(follows, both) == []
    other = policy(operatorLogin={"models": ["fraud"], "aliases": ["champion"]})
    assert fields(spec(), staging, other) == ["spec.registry.aliases.champion"], "an alias of another model is no grant"


def test_the_own_registry_with_a_login_of_the_namespace_needs_the_model_or_the_registry() -> None:
    given = spec(registry={"secretName": "mine"})
    assert fields(given, policy()) == ["spec.model.name"]
    assert fields(given, LOGIN) == []
    assert fields(given, policy(registries=[OWN])) == []
    assert fields(spec(), policy(registries=[OWN])) == ["spec.model.name"], "its own login is not used by that"


@pytest.mark.parametrize(
    "uri",
    [
        "http://mlflow.team:5000/",
        "http://MLFLOW.team:5000",
    ],
)
def test_spellings_of_a_granted_registry_are_granted(uri: str) -> None:
    assert fields(spec(registry={"uri": uri}), policy(registries=["http://mlflow.team:5000"])) == []


@pytest.mark.parametrize(
    "uri",
    [
        "https://mlflow.team:5000",
        "http://mlflow.team",
        "http://mlflow.team:5000/elsewhere",
        "http://mlflow.team:5000?x=1",
        "http://mlflow.team:5000#x",
        "http://mlflow.team:5000?",
        "http://mlflow.team:5000.evil.example.com",
        "http://evil.example.com/http://mlflow.team:5000",
        "http://evil.example.com\\.mlflow.team:5000",
        "http://mlflow.team%2eevil.example.com:5000",
        "http://[::1]:5000",
        "http://mlflow.team:5000:80",
        "http://mlflow.team:*",
    ],
)
def test_other_addresses_are_refused(uri: str) -> None:
    assert fields(spec(registry={"uri": uri}), policy(registries=["http://mlflow.team:5000"])) == ["spec.registry.uri"]


def test_a_query_or_fragment_is_refused_whatever_is_granted() -> None:
    everywhere = policy(registries=["http://*:*", "http://*:*/*"])
    assert fields(spec(registry={"uri": "http://a.example.com/x"}), everywhere) == []
    (found,) = refused(spec(registry={"uri": "http://a.example.com/x?y=1"}), everywhere)
    assert "with a query or fragment" in str(found)


def test_hosts_of_webhooks_may_have_a_port() -> None:
    address = address_of("https://Review.example.com/podium?x=1")
    assert address is not None
    assert matches_host(address, ["review.example.com"])
    assert matches_host(address, ["*.example.com:443"])
    assert not matches_host(address, ["review.example.com:8443"])
    assert not matches_host(address, ["example.com", "*.review.example.com"])


def test_a_policys_host_names_open_its_own_gateways_alone() -> None:
    def at(**gateway: Any) -> Spec:
        return spec(traffic={"gateway": {"name": "public", "namespace": "infra", **gateway}})

    public = policy(operatorLogin={"models": ["*"]}, traffic={"gateways": [{"namespace": "infra", "name": "public"}]})
    private = policy(traffic={"gateways": [{"name": "private"}], "hostnames": ["*"]})
    assert fields(at(hostnames=["a.example.com"]), public, private) == ["spec.traffic.gateway.hostnames"]
    assert fields(at(), public, private) == ["spec.traffic.gateway.hostnames"], "none takes every one of the listener"
    assert fields(spec(traffic={"gateway": {"name": "private"}}), public, private) == []
    assert fields(spec(traffic={"gateway": {"name": "private", "namespace": "x"}}), public, private) == [
        "spec.traffic.gateway"
    ]
    mesh = {"parentRefs": [{"name": "private", "kind": "Service", "group": ""}]}
    assert fields(spec(traffic={"gateway": mesh}), public, private) == ["spec.traffic.gateway"]


def test_a_parent_is_a_gateway_of_the_gateway_api() -> None:
    grants = policy(operatorLogin={"models": ["*"]}, traffic={"gateways": [{"name": "public"}], "hostnames": ["*"]})
    for group, expected in (("gateway.networking.k8s.io", []), ("networking.example.com", ["spec.traffic.gateway"])):
        parents = {"parentRefs": [{"name": "public", "kind": "Gateway", "group": group}]}
        assert fields(spec(traffic={"gateway": parents}), grants) == expected


@pytest.mark.parametrize("part", ["serving", "service"])
def test_a_host_name_in_dns_needs_the_grant_of_a_routes(part: str) -> None:
    given = {"annotations": {"external-dns.alpha.kubernetes.io/hostname": "a.churn.example.com, API.fraud.example.com"}}
    asked = spec(serving=given) if part == "serving" else spec(traffic={"service": given})
    (found,) = refused(asked, LOGIN, policy(traffic={"hostnames": ["*.churn.example.com"]}))
    assert found.field.startswith("spec.serving.annotations[" if part == "serving" else "spec.traffic.service.annot")
    assert found.found == '"API.fraud.example.com"'
    assert fields(asked, LOGIN, policy(traffic={"hostnames": ["*.example.com"]})) == []


@pytest.mark.parametrize(
    ("key", "loosens"),
    [
        *((key, True) for key in ("devices.crio.io", "cpu-quota.crio.io", "seccomp-profile.kubernetes.cri-o.io/POD")),
        *((key, True) for key in ("cdi.k8s.io/gpu", "v1.multus-cni.io/default-network", "k8s.ovn.org/pod-networks")),
        *((key, False) for key in ("team", "mycrio.io/x", "crio.io.example.com/x", "prometheus.io/scrape")),
    ],
)
def test_names_by_which_others_loosen_the_sandbox_too(key: str, loosens: bool) -> None:
    assert bool(unsafe(spec(serving={"annotations": {key: "x"}}))) is loosens


def test_a_webhook_at_an_address_of_ipv6_can_be_granted() -> None:
    for url, hosts in (("http://[FD00::1]/", "[fd00::1]"), ("http://[fd00::1]:8443/x", "[fd00::1]:8443")):
        given = spec(gates=[{"name": "review", "webhook": {"url": url}}])
        assert fields(given, LOGIN, policy(webhooks={"hosts": [hosts]})) == []


def test_the_widest_limit_of_pods_counts_and_a_policy_without_one_lifts_none() -> None:
    small, large = (
        policy(pods={"maxReplicas": most, "maxResources": {"memory": size}}) for most, size in ((2, "1Gi"), (4, "2Gi"))
    )
    given = spec(serving={"replicas": 3, "resources": {"limits": {"memory": "1536Mi"}}})
    assert fields(given, LOGIN, small) == ["spec.serving.replicas", "spec.serving.resources.limits.memory"]
    assert fields(given, LOGIN, small, large) == []
    assert fields(given, LOGIN) == []
    assert fields(spec(), LOGIN, small) == ["spec.serving.resources.limits.memory"], "without a limit, a pod takes all"
    scaled = spec(serving={"autoscaling": {"maxReplicas": 9}, "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}})
    assert fields(scaled, LOGIN, small) == ["spec.serving.autoscaling.maxReplicas"]


def test_what_pods_have_beside_images_and_resources_needs_a_grant_each() -> None:
    given = spec(
        serving={
            "volumes": [
                {"name": "shm", "emptyDir": {"medium": "Memory"}},
                {"name": "ca", "secret": {"secretName": "ca"}},
            ],
            "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}, {"name": "ca", "mountPath": "/etc/ca"}],
            "serviceAccountName": "churn-server",
            "runtimeClassName": "gvisor",
            "priorityClassName": "serving",
        }
    )
    assert fields(given, LOGIN) == [
        "spec.serving.volumes[shm]",
        "spec.serving.volumes[ca]",
        "spec.serving.serviceAccountName",
        "spec.serving.runtimeClassName",
        "spec.serving.priorityClassName",
    ]
    assert "ask for podFields.volumes: [emptyDir]" in str(refused(given, LOGIN)[0])
    some = policy(podFields={"volumes": ["emptyDir"], "serviceAccounts": ["churn-*"], "priorityClasses": ["serving"]})
    assert fields(given, LOGIN, some) == ["spec.serving.volumes[ca]", "spec.serving.runtimeClassName"]
    others = policy(podFields={"volumes": ["secret"], "runtimeClasses": ["gvisor", "kata"]})
    assert fields(given, LOGIN, some, others) == []


def test_gpus_are_limited_by_name_and_need_not_be_said_where_there_are_none() -> None:
    limited = policy(pods={"maxResources": {"nvidia.com/gpu": 1}})
    none = policy(pods={"maxResources": {"nvidia.com/gpu": 0}})
    one, two = (spec(serving={"resources": {"limits": {"nvidia.com/gpu": count}}}) for count in (1, 2))
    assert fields(spec(), LOGIN, limited) == []
    assert fields(one, LOGIN, limited) == []
    assert fields(two, LOGIN, limited) == ["spec.serving.resources.limits.nvidia.com/gpu"]
    assert fields(one, LOGIN, none) == ["spec.serving.resources.limits.nvidia.com/gpu"]


def test_keys_are_those_of_the_policies_and_no_others() -> None:
    alice, bob, mallory = (Signer().public for _ in range(3))
    signed = policy(verify={"publicKeys": [alice, bob]})
    assert fields(spec(serving={"verify": {"publicKeys": [mallory]}}), LOGIN) == []
    assert fields(spec(), LOGIN, signed) == []
    assert fields(spec(serving={"verify": {"publicKeys": [f"{bob.strip()}\n"]}}), LOGIN, signed) == []
    both = spec(serving={"verify": {"publicKeys": [alice, mallory]}})
    assert fields(both, LOGIN, signed) == ["spec.serving.verify.publicKeys[1]"]
    assert with_required_keys(both, [signed]).serving.public_keys == (alice,), "while it is refused, too"
    assert with_required_keys(spec(), [LOGIN, signed]).serving.public_keys == (alice.strip(), bob.strip())
    assert with_required_keys(spec(), [LOGIN]).serving.public_keys == ()


def test_jobs_need_their_image_and_their_limits_too() -> None:
    given = spec(gates=[{"name": "smoke", "job": {"image": "evil.example.com/x:1"}}])
    grants = policy(jobs={"enabled": True}, images=["good.example.com/*"], pods={"maxResources": {"cpu": 1}})
    limited = spec(
        serving={"resources": {"limits": {"cpu": "1"}}},
        gates=[{"name": "smoke", "job": {"image": "good.example.com/x:1", "resources": {"limits": {"cpu": "500m"}}}}],
    )
    assert fields(given, LOGIN, grants) == [
        "spec.gates[smoke].job.image",
        "spec.serving.resources.limits.cpu",
        "spec.gates[smoke].job.resources.limits.cpu",
    ]
    assert fields(limited, LOGIN, grants) == []


def test_prometheus_and_adopted_routes_need_a_grant() -> None:
    guard = {"name": "lost", "prometheus": {"bad": "sum(bad{v='{{version}}'})", "total": "sum(t)", "atMost": "1%"}}
    given = spec(rollout={"guards": [guard]}, traffic={"httpRouteRef": {"name": "churn"}})
    assert fields(given, LOGIN) == ["spec.traffic.httpRouteRef", "spec.rollout.guards[lost].prometheus"]
    assert fields(given, LOGIN, policy(prometheus={}, traffic={"adoptedRoutes": True})) == []


def test_what_a_person_wrote_is_bounded_and_on_one_line() -> None:
    image = "a\u202e" + "b" * 400
    (found,) = refused(spec(serving={"image": image}), LOGIN)
    assert "\u202e" not in str(found)
    assert len(str(found)) < 600


def test_what_is_no_address_is_granted_nothing() -> None:
    assert address_of("http://[::1") is None
    hook = {"gates": [{"name": "review", "webhook": {"url": "https://review.example.com%2e/"}}]}
    (found,) = refused(spec(**hook), LOGIN, policy(webhooks={"hosts": ["*"]}))
    assert found.field == "spec.gates[review].webhook.url"
    address = address_of("http://a.example.com")
    assert address is not None
    assert not matches_registry(address, ["http://a.example.com:b"])


def test_many_refusals_are_counted() -> None:
    text = named([Refusal(f"spec.{number}", "x", "ask") for number in range(5)])
    assert text.endswith("; and 2 more")


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ({}, True),
        ({"matchNames": ["ml"]}, True),
        ({"matchNames": ["ml-*", "other"]}, False),
        ({"matchNames": ["m*"], "matchLabels": {"team": "churn"}}, True),
        ({"matchNames": ["x"], "matchLabels": {"team": "churn"}}, False),
        ({"matchLabels": {"team": "fraud"}}, False),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["churn", "fraud"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["churn"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["x"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_namespaces_are_selected_as_kubernetes_does(selector: dict[str, Any], found: bool) -> None:
    given = NamespaceSelector.model_validate(selector)
    assert selects(given, "ml", {"team": "churn"}) is found


def test_a_list_of_no_names_is_not_every_name() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        NamespaceSelector.model_validate({"matchNames": []})


def test_patterns_are_no_regular_expressions() -> None:
    assert matches("a.b", ["a.b"])
    assert not matches("axb", ["a.b"])
    assert matches("team-a/x:1", ["team-*"])
    assert not matches("my-team-a", ["team-*"])
    assert not matches("", [])


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_may_be_connected_to(address: str) -> None:
    assert may_connect(address, ())


@pytest.mark.parametrize(
    "address",
    [
        *("10.96.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::", "localhost", ""),
    ],
)
def test_other_addresses_need_a_network(address: str) -> None:
    assert not may_connect(address, ())
    assert not may_connect(address, ("nonsense", "999.0.0.0/8"))


@pytest.mark.parametrize(
    "address",
    [
        *("::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b:1::a9fe:a9fe", "::127.0.0.1"),
        *("fec0::1", "5f00::1", "4000::1", "ff0e::1"),
    ],
)
def test_odd_addresses_of_ipv6_are_not_public(address: str) -> None:
    assert not may_connect(address, ())
    assert not may_connect(address, ("10.0.0.0/8", "fc00::/7"))


@pytest.mark.parametrize(
    "address",
    ["168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"],
)
def test_where_clouds_answer_with_credentials_needs_to_be_named(address: str) -> None:
    (default,) = safe_load_all(POLICIES[0].read_text())
    assert not may_connect(address, ())
    assert not may_connect(address, default["spec"]["networks"])
    assert not may_connect(address, OF_THE_OPERATOR)
    assert may_connect(address, (f"{address}/{128 if ':' in address else 32}",))


def test_networks_grant_addresses_however_they_are_written() -> None:
    assert may_connect("::ffff:10.0.0.1", ("10.0.0.0/8",))
    assert may_connect("169.254.169.254", ("169.254.0.0/16",))
    assert not may_connect("169.254.169.254", OF_THE_OPERATOR)
    assert may_connect("10.1.2.3", OF_THE_OPERATOR)


@pytest.mark.parametrize("file", POLICIES, ids=title)
def test_policies_of_the_repository_can_be_read(file: Any) -> None:
    for found in safe_load_all(file.read_text()):
        PodiumPolicyManifest.model_validate(found)


def test_the_default_policy_grants_the_shortest_example_to_every_namespace() -> None:
    (default,) = safe_load_all(POLICIES[0].read_text())
    given = PodiumPolicySpec.model_validate(default["spec"])
    assert for_namespace([given], "any", {}) == (given,)
    assert fields(spec(), given) == []


def test_a_query_that_cannot_be_confined_is_refused_where_a_label_is_forced() -> None:
    def guarded(bad: str) -> Spec:
        limits = {"total": "sum(t{v='{{version}}'})", "atMost": "1%"}
        return spec(rollout={"guards": [{"name": "lost", "prometheus": {"bad": bad, **limits}}]})

    forced = policy(prometheus={"label": "namespace", "value": "{{namespace}}"})
    assert fields(guarded("sum(b{v='{{version}}'})"), LOGIN, forced) == []
    assert fields(guarded("sum(info(b{v='{{version}}'}))"), LOGIN, forced) == [
        "spec.rollout.guards[lost].prometheus.bad"
    ]
    assert fields(guarded("sum(info(b{v='{{version}}'}))"), LOGIN, forced, policy(prometheus={})) == []
    assert one_tenants("x", [LOGIN, forced], "ml") == 'x{namespace="ml"}'
    assert one_tenants("x", [LOGIN, policy(prometheus={})], "ml") == "x"
    with pytest.raises(ValueError, match="no PodiumPolicy grants"):
        one_tenants("x", [LOGIN], "ml")
