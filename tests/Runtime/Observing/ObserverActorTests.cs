using Akka.Actor;
using Akka.TestKit.Xunit2;
using Singa.Actors.Collective.Tests;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Observing;
using Singa.Actors.Runtime.Workers;
using static Singa.Actors.Runtime.Coordination.CoordinatorProtocol;

namespace Singa.Actors.Runtime.Tests.Observing;

/// <summary>When a run is given up.</summary>
public sealed class ObserverActorTests : TestKit
{
    private static readonly JobId Job = new("job-1");
    private readonly ManualTime time = new();

    [Fact]
    public async Task A_job_that_is_heard_of_is_not_given_up_because_no_member_answers()
    {
        var run = Run();
        var observer = Observe(run);

        observer.Tell(new JobWaiting(Job, "a says nothing"));
        await HasHeardAsync(observer);
        time.Advance(TimeSpan.FromSeconds(29));
        observer.Tell(new ObserverActor.ClusterLost("nobody answers", TimeSpan.FromSeconds(30)));
        observer.Tell(new JobFailed(Job, "its end"));

        Assert.Equal("its end", (await Assert.ThrowsAsync<TrainingFailedException>(() => run.Accepted)).Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_job_of_which_nothing_is_heard_any_more_is_given_up(bool heard)
    {
        var run = Run();
        var observer = Observe(run);
        if (heard)
            observer.Tell(new JobWaiting(Job, "a says nothing"));
        await HasHeardAsync(observer);
        time.Advance(TimeSpan.FromSeconds(30));
        observer.Tell(new ObserverActor.ClusterLost("nobody answers", TimeSpan.FromSeconds(30)));

        Assert.Equal("nobody answers", (await Assert.ThrowsAsync<TrainingFailedException>(() => run.Accepted)).Message);
    }

    private static Task HasHeardAsync(IActorRef observer) => observer.Ask<ActorIdentity>(new Identify(0));

    private static TrainingRun Run() =>
        new(TinyJob.Create(), new ReplicaStore(), 1, _ => throw new NotSupportedException(), new RunCommands(() => { }, () => { }, () => { }, () => { }));

    private IActorRef Observe(TrainingRun run)
    {
        var definition = new JobLibrary(null, null).PutDirectly(TinyJob.Create());
        return Sys.ActorOf(Props.Create(() =>
            new ObserverActor(Job, definition, new TrainingOptions(), TestActor, run, new JobTelemetry("job", time), time)));
    }
}
