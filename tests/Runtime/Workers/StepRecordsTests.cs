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
        first.Add([Tested(2), Tested(4), Tested(7)]);
        first.Forget(6);

        later.Learn(first.Past);
        var now = Membership.Form(new Generation(4), [new DeviceOffer("a", "cpu:0"), new DeviceOffer("b", "cpu:0")], 4, 0);
        later.Know(now);
        later.Add(Record(now, 9));

        // A worker knows the tests of its own generation only.
        later.Add([Tested(9)]);

        Assert.Equal([6, 7, 8, 9], later.Past.Records.Select(r => r.Step));
        Assert.Equal([4, 7, 9], later.Past.Tests.Select(t => t.Step));
        Assert.Equal([before.Generation, now.Generation], later.Past.Memberships.Select(m => m.Generation));
        Assert.Equal([8, 9], later.Past.From(8).Records.Select(r => r.Step));
        Assert.Equal([7, 9], later.Past.From(8).Tests.Select(t => t.Step));
    }

    private static TestRecord Tested(long step) => new(step, new TestFigures(1, 0.5), null);

    private static WorkerProtocol.StepCompleted Record(Membership of, long step) => new(Job, of.Generation, 0, step, 1, 1, TimeSpan.Zero);
}
