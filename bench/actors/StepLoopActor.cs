using Akka.Actor;
using Singa.Actors.Devices;
using static Singa.Actors.Devices.DeviceProtocol;

namespace Singa.Actors.Bench.Actors;

/// <summary>A worker that does nothing but keep steps in the device's queue.</summary>
internal sealed class StepLoopActor : ReceiveActor
{
    private readonly RunSections[] step;
    private IActorRef asker = ActorRefs.Nobody;
    private int toSend, toHear;

    public StepLoopActor(IActorRef device, JobId job, int ahead)
    {
        step = [.. Enumerable.Range(0, ahead).Select(i => new RunSections(job, i, [new SectionRun(0, [])]))];
        Receive<int>(steps =>
        {
            (asker, toSend, toHear) = (Sender, steps - Math.Min(ahead, steps), steps);
            for (int i = 0; i < Math.Min(ahead, steps); i++)
                device.Tell(step[i]);
        });
        Receive<SectionsCompleted>(done =>
        {
            if (toSend-- > 0)
                device.Tell(step[done.Tag]);
            if (--toHear == 0)
                asker.Tell(true);
        });
        Receive<SectionsFailed>(failed => asker.Tell(new Status.Failure(new InvalidOperationException(failed.Reason))));
    }
}
