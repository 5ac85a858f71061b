using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Tests.Coordination;

public sealed class AllotmentTests
{
    private static readonly ImmutableArray<DeviceOffer> Four = [Device("a"), Device("b"), Device("c"), Device("d")];
    private readonly Dictionary<JobId, ImmutableArray<DeviceOffer>> present = [];

    [Fact]
    public void A_job_gets_all_devices_unless_it_wants_fewer()
    {
        Assert.Equal("abcd", Only(Job("x")));
        Assert.Equal("ab", Only(Job("x", max: 2)));
    }

    [Fact]
    public void Jobs_of_one_priority_share_and_spread()
    {
        Assert.Equal(["abcd", "abcd"], Of(Four, Job("x"), Job("y")));
        Assert.Equal(["ab", "cd", "abcd", "ab"], Of(Four, Job("x", max: 2), Job("y", max: 2), Job("z"), Job("w", max: 2)));
    }

    [Fact]
    public void A_job_of_higher_priority_has_its_devices_to_itself()
    {
        Assert.Equal(["cd", "ab"], Of(Four, Job("low"), Job("high", priority: 5, max: 2)));
        present[new JobId("low")] = Four;
        var shares = Allotment.Of(Four, [Job("low"), Job("high", priority: 5)], present);
        Assert.True(shares[0].IsPaused);
        Assert.Empty(shares[0].Devices);
        Assert.Equal("it needs a device, and jobs of higher priority leave it none of 4", shares[0].Reason);
        Assert.Equal("abcd", Text(shares[1]));
    }

    [Fact]
    public void Too_few_devices_and_it_waits_and_keeps_none_from_others()
    {
        var shares = Allotment.Of(Four, [Job("large", priority: 3, min: 6), Job("small")], present);
        Assert.Equal("it needs 6 devices (min-devices); 4 are offered", shares[0].Reason);
        Assert.False(shares[0].IsPaused);
        Assert.Equal("abcd", Text(shares[1]));
        Assert.Equal("it needs 3 devices (min-devices), and jobs of higher priority leave it 2 of 4",
            Allotment.Of(Four, [Job("low", min: 3), Job("high", priority: 1, max: 2)], present)[0].Reason);
        Assert.Equal("it needs a device; none are offered", Allotment.Of([], [Job("x")], present)[0].Reason);
    }

    [Fact]
    public void Nodes_that_cannot_work_for_a_job_do_not()
    {
        var job = Job("x") with { Unfit = ["a", "c"] };
        Assert.Equal("bd", Only(job));
        Assert.Equal("it needs 3 devices (min-devices); 4 are offered, of which 2 can work for it",
            Allotment.Of(Four, [job with { MinDevices = 3 }], present)[0].Reason);
    }

    [Fact]
    public void A_job_stays_where_it_is()
    {
        present[new JobId("x")] = [Four[2], Four[3]];
        Assert.Equal("cd", Only(Job("x", max: 2)));
        Assert.Equal("acd", Only(Job("x", max: 3)));
        Assert.Equal(["ab", "cd"], Of(Four, Job("y", max: 2), Job("x", max: 2)));
    }

    [Fact]
    public void What_comes_back_is_given_back()
    {
        present[new JobId("low")] = Four;
        var high = Job("high", priority: 1, max: 3);
        Assert.Equal(["d", "abc"], Of(Four, Job("low"), high));
        Assert.Equal("abcd", Only(Job("low")));
    }

    private static DeviceOffer Device(string node) => new(node, "cpu:0");

    private static JobDemand Job(string name, int priority = 0, int min = 1, int max = 0) => new(new JobId(name), priority, min, max);

    private static string Text(JobShare share) => string.Concat(share.Devices.Select(d => d.Node));

    private string Only(JobDemand job) => Assert.Single(Of(Four, job));

    private string[] Of(ImmutableArray<DeviceOffer> devices, params JobDemand[] jobs) => [.. Allotment.Of(devices, [.. jobs], present).Select(Text)];
}
