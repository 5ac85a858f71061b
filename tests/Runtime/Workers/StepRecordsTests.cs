using Singa.Actors.Collective;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Workers;

public sealed class StepRecordsTests
{
    private static readonly JobId Job = new("job");

    [Fact]
    public void Whoever_came_later_tells_of_steps_it_took_no_part_in()
    {
        var before = Membership.Form(new Generation(3), [new DeviceOffer("a", "cpu:0")], 4, 0);
        StepRecords first = new(), later = new();
        first.Know(before);
        for (long step = 5; step < 9; step++)
            first.Add(Record(before, step));
        first.Forget(6);

        later.Learn(new PastSteps(first.All, [], first.Memberships));
        var now = Membership.Form(new Generation(4), [new DeviceOffer("a", "cpu:0"), new DeviceOffer("b", "cpu:0")], 4, 0);
        later.Know(now);
        later.Add(Record(now, 9));

        Assert.Equal([6, 7, 8, 9], later.All.Select(r => r.Step));
        Assert.Equal([before.Generation, now.Generation], later.Memberships.Select(m => m.Generation));
    }

    private static WorkerProtocol.StepCompleted Record(Membership of, long step) => new(Job, of.Generation, 0, step, 1, 1, TimeSpan.Zero);
}
