"""Extensions of v2.0, by upstream's names and dates: each only when all of it works as its definition says.

Those of one resource are declared with it; here are those of all resources, and of calls that no resource has.
"""

from __future__ import annotations

from ..resource import Extension
from .catalogue import RESOURCES

GENERAL = (
    Extension("auto-allocated-topology", "Auto Allocated Topology Services", "2016-01-01T00:00:00-00:00",
              "Auto Allocated Topology Services."),
    Extension("l3_agent_scheduler", "L3 Agent Scheduler", "2013-02-07T10:00:00-00:00",
              "Schedule routers among l3 agents"),
    Extension("availability_zone", "Availability Zone", "2015-01-01T10:00:00-00:00",
              "The availability zone extension."),
    Extension("binding-extended", "Port Bindings Extended", "2017-07-17T10:00:00-00:00",
              "Expose port bindings of a virtual port to external application"),
    Extension("dhcp_agent_scheduler", "DHCP Agent Scheduler", "2013-02-07T10:00:00-00:00",
              "Schedule networks among dhcp agents"),
    Extension("empty-string-filtering", "Empty String Filtering Extension", "2018-05-01T10:00:00-00:00",
              "Allow filtering by attributes with empty string value"),
    Extension("filter-validation", "Filter parameters validation", "2018-07-04T10:00:00-00:00",
              "Provides validation on filter parameters."),
    Extension("pagination", "Pagination support", "2016-06-12T00:00:00-00:00",
              "Extension that indicates that pagination is enabled."),
    Extension("project-id", "project_id field enabled", "2016-09-09T09:09:09-09:09",
              "Extension that indicates that project_id field is enabled."),
    Extension("quota-check-limit", "Quota engine limit check", "2021-09-08T16:00:00-00:00",
              "Support for checking the resource usage before applying a new quota limit"),
    Extension("quota-check-limit-default", "Quota engine limit check by default", "2024-08-21T16:00:00-00:00",
              "By default, the Neutron quota engine checks the resource usage before applying a new quota "
              "limit"),
    Extension("quota_details", "Quota details management support", "2017-02-10T10:00:00-00:00",
              "Expose functions for quotas usage statistics per project"),
    Extension("quotas", "Quota management support", "2012-07-29T10:00:00-00:00",
              "Expose functions for quotas management per project"),
    Extension("revision-if-match", "If-Match constraints based on revision_number", "2016-12-11T00:00:00-00:00",
              "Extension indicating that If-Match based on revision_number is supported."),
    Extension("service-type", "Neutron Service Type Management", "2013-01-20T00:00:00-00:00",
              "API for retrieving service providers for Neutron advanced services"),
    Extension("sorting", "Sorting support", "2016-06-12T00:00:00-00:00",
              "Extension that indicates that sorting is enabled."),
    Extension("standard-attr-description", "standard-attr-description", "2016-02-10T10:00:00-00:00",
              "Extension to add descriptions to standard attributes"),
    Extension("standard-attr-revisions", "Resource revision numbers", "2016-04-11T10:00:00-00:00",
              "This extension will display the revision number of neutron resources."),
    Extension("standard-attr-tag", "Tag support for resources with standard attribute: {tagged}",
              "2017-01-01T00:00:00-00:00", "Enables to set tag on resources with standard attribute."),
    Extension("standard-attr-timestamp", "Resource timestamps", "2016-09-12T10:00:00-00:00",
              "Adds created_at and updated_at fields to all Neutron resources that have Neutron standard "
              "attributes."),
    Extension("tag-creation", "Tag creation extension", "2024-23-07T10:00:00-00:00",
              "Allow to create multiple tags for a resource"),
)  # fmt: skip


def extensions() -> list[Extension]:
    """All of them, by alias."""
    tagged = ", ".join(resource.name for resource in RESOURCES if resource.tagged)
    found = [each._replace(name=each.name.format(tagged=tagged)) for each in GENERAL]
    found += [each for resource in RESOURCES for each in resource.extensions]
    return sorted(found, key=lambda each: each.alias)
