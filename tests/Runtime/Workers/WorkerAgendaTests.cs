using Singa.Actors.Collective;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Workers;

public sealed class WorkerAgendaTests
{
    private static readonly DataDescription Data = new(
        new TensorType(DType.Float32, Shape.Of(2)), new TensorType(DType.Int32, Shape.Scalar), 3, 100, 70);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Together_workers_do_each_step_once_and_each_test_batch_once(int workers)
    {
        var agendas = Agendas(workers, new TrainingOptions { EvaluateEachEpoch = true }).Select(a => a.Items().ToArray()).ToArray();

        var trained = agendas.SelectMany(a => a.OfType<WorkItem.Train>()).GroupBy(t => t.Step.Step).ToArray();
        Assert.Equal(12, trained.Length);
        Assert.All(trained, step => Assert.Equal(step.First().Step.Samples, step.Sum(t => t.Count)));
        var tested = agendas.SelectMany(a => a.OfType<WorkItem.Evaluate>()).GroupBy(t => t.AfterStep).ToDictionary(g => g.Key, g => g.Sum(t => t.Count));
        Assert.Equal(new Dictionary<long, int> { [3] = 70, [7] = 70, [11] = 70 }, tested);
    }

    [Fact]
    public void Without_the_wish_only_the_end_is_tested() =>
        Assert.Equal([11L], Agendas(1, new TrainingOptions()).Single().Items().OfType<WorkItem.Evaluate>().Select(e => e.AfterStep).Distinct());

    [Fact]
    public void Every_worker_takes_digests()
    {
        var agendas = Agendas(2, new TrainingOptions { DigestEvery = 5 }).Select(a => a.Items().OfType<WorkItem.Train>().Where(t => t.DigestAfter)).ToArray();

        Assert.All(agendas, agenda => Assert.Equal([4L, 9L], agenda.Select(t => t.Step.Step)));
    }

    [Fact]
    public void A_test_that_is_due_comes_first()
    {
        var options = new TrainingOptions { EvaluateEachEpoch = true };
        var whole = Agendas(2, options)[1].Items().ToArray();
        var rest = Agendas(2, options, firstStep: 8, pendingTest: 7)[1].Items().ToArray();
        Assert.Equal(whole[^rest.Length..], rest);
        Assert.Equal(7, Assert.IsType<WorkItem.Evaluate>(rest[0]).AfterStep);
    }

    [Fact]
    public void Only_rank_0_saves_and_not_what_it_has_just_begun_with()
    {
        var options = new TrainingOptions { Checkpoint = new CheckpointOptions("somewhere") { Every = 5 } };
        var agendas = Agendas(2, options).Select(a => a.Items().OfType<WorkItem.Train>().Where(t => t.SaveBefore)).ToArray();
        Assert.Equal([5L, 10L], agendas[0].Select(t => t.Step.Step));
        Assert.Empty(agendas[1]);
        Assert.Equal([10L], Agendas(1, options, firstStep: 5).Single().Items().OfType<WorkItem.Train>().Where(t => t.SaveBefore).Select(t => t.Step.Step));
    }

    [Fact]
    public void Whoever_goes_on_does_what_is_left()
    {
        var whole = Agendas(2, new TrainingOptions { EvaluateEachEpoch = true })[1].Items().ToArray();
        var rest = Agendas(2, new TrainingOptions { EvaluateEachEpoch = true }, firstStep: 8)[1].Items().ToArray();
        Assert.Equal(whole[^rest.Length..], rest);
        Assert.Equal(8, Assert.IsType<WorkItem.Train>(rest[0]).Step.Step);
    }

    [Fact]
    public void Of_a_step_that_was_interrupted_it_does_what_is_missing()
    {
        var member = Membership.Form(Generation.First, [new DeviceOffer("", "null:0"), new DeviceOffer("", "null:1")], 4, 3).Members[1];
        var agenda = new WorkerAgenda(TinyJob.Create(), new TrainingOptions(), Data, member, firstStep: 2, missing: [new(0, 1), new(3, 1)]);
        var first = (WorkItem.Train)agenda.Items().First();
        var whole = new WorkerAgenda(TinyJob.Create(), new TrainingOptions(), Data, member with { Shards = new(0, 4) }, firstStep: 2).Items().OfType<WorkItem.Train>().First();
        Assert.Equal(new[] { (whole.First, whole.Count / 4), (whole.First + 3 * whole.Count / 4, whole.Count / 4) }, first.Pieces!.Value.ToArray());
        Assert.Equal(whole.Count / 2, first.Count);
        Assert.All(agenda.Items().OfType<WorkItem.Train>().Skip(1), t => Assert.Null(t.Pieces));
        // Nothing is missing here, or more than its own shards have.
        Assert.Equal(0, ((WorkItem.Train)new WorkerAgenda(TinyJob.Create(), new TrainingOptions(), Data, member, missing: []).Items().First()).Count);
        Assert.Equal(32, new WorkerAgenda(TinyJob.Create(), new TrainingOptions(), Data, member, missing: [new(0, 4)]).SamplesMax);
    }

    [Theory]
    [InlineData(64, 100)]
    [InlineData(10_000, 156)]
    [InlineData(1_000_000, 1000)]
    public void An_epoch_is_a_good_distance_between_checkpoints_within_reason(long samples, long every) => Assert.Equal(
        every, new CheckpointOptions("somewhere").EveryIn(JobSchedule.Of(samples - samples % 64, 64, 1, 0, 1)));

    [Fact]
    public void A_slot_has_room_for_whatever_is_largest()
    {
        Assert.Equal(32, Agendas(1, new TrainingOptions()).Single().SamplesMax);
        Assert.All(Agendas(4, new TrainingOptions()), a => Assert.InRange(a.SamplesMax, 8, 32));
    }

    private static WorkerAgenda[] Agendas(int workers, TrainingOptions options, long firstStep = 0, long? pendingTest = null)
    {
        var membership = Membership.Form(Generation.First, [.. Enumerable.Range(0, workers).Select(i => new DeviceOffer("", $"null:{i}"))], 4, 3);
        return [.. membership.Members.Select(m => new WorkerAgenda(TinyJob.Create(), options, Data, m, firstStep, pendingTest))];
    }
}
