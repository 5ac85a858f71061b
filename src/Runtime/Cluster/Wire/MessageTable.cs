using System.Collections.Frozen;
using System.Collections.Immutable;
using Singa.Actors.Runtime.Cluster.Gate;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Cluster.Wire;

/// <summary>Every message that leaves its process, and the short name by which it is known there. Nothing else is read or written.</summary>
internal static class MessageTable
{
    public static readonly ImmutableArray<(string Manifest, Type Type)> All =
    [
        ("co", typeof(CoordinatorProtocol.OfferDevices)),
        ("ca", typeof(CoordinatorProtocol.DevicesAdmitted)),
        ("cw", typeof(CoordinatorProtocol.WithdrawDevice)),
        ("cs", typeof(CoordinatorProtocol.CoordinatorStarted)),
        ("cq", typeof(CoordinatorProtocol.GetCoordinator)),
        ("cr", typeof(CoordinatorProtocol.CoordinatorStatus)),
        ("cd", typeof(CoordinatorProtocol.GetDevices)),
        ("ce", typeof(CoordinatorProtocol.OfferedDevices)),

        ("ja", typeof(CoordinatorProtocol.JobAccepted)),
        ("jr", typeof(CoordinatorProtocol.JobRejected)),
        ("js", typeof(CoordinatorProtocol.StepCommitted)),
        ("jc", typeof(CoordinatorProtocol.JobCompleted)),
        ("jf", typeof(CoordinatorProtocol.JobFailed)),
        ("jp", typeof(CoordinatorProtocol.PauseJob)),
        ("jq", typeof(CoordinatorProtocol.JobPaused)),
        ("ju", typeof(CoordinatorProtocol.ResumeJob)),
        ("jv", typeof(CoordinatorProtocol.JobResumed)),
        ("jt", typeof(CoordinatorProtocol.StopJob)),
        ("jw", typeof(CoordinatorProtocol.JobStopped)),
        ("jx", typeof(CoordinatorProtocol.CancelJob)),
        ("jy", typeof(CoordinatorProtocol.JobCancelled)),

        ("wp", typeof(WorkerProtocol.JobPrepared)),
        ("wf", typeof(WorkerProtocol.PreparationFailed)),
        ("wr", typeof(WorkerProtocol.WorkerReady)),
        ("wj", typeof(WorkerProtocol.WorkerRejected)),
        ("wb", typeof(WorkerProtocol.BeginSteps)),
        ("wc", typeof(WorkerProtocol.StepCompleted)),
        ("we", typeof(WorkerProtocol.EvaluationCompleted)),
        ("wh", typeof(WorkerProtocol.HoldSteps)),
        ("wi", typeof(WorkerProtocol.StepsHeld)),
        ("wn", typeof(WorkerProtocol.RunSteps)),
        ("wt", typeof(WorkerProtocol.TestJudged)),
        ("ws", typeof(WorkerProtocol.SaveReplica)),
        ("wv", typeof(WorkerProtocol.ReplicaSaved)),
        ("ww", typeof(WorkerProtocol.SaveFailed)),
        ("wx", typeof(WorkerProtocol.FinishSteps)),
        ("wy", typeof(WorkerProtocol.WorkerFinished)),
        ("wz", typeof(WorkerProtocol.WorkerFailed)),
        ("nf", typeof(WorkerProtocol.NodeFailed)),
        ("nr", typeof(WorkerProtocol.ReleaseJob)),
        ("nl", typeof(WorkerProtocol.JobReleased)),

        ("gm", typeof(GateProtocol.GetMembership)),
        ("gn", typeof(GateProtocol.MembershipStatus)),
        ("gs", typeof(GateProtocol.GetClusterStatus)),
        ("gt", typeof(ClusterStatus)),
        ("go", typeof(GateProtocol.GetNodeStatus)),
        ("gp", typeof(NodeStatus)),
    ];

    public static readonly FrozenDictionary<string, Type> Types = All.ToFrozenDictionary(m => m.Manifest, m => m.Type);

    public static readonly FrozenDictionary<Type, string> Manifests = All.ToFrozenDictionary(m => m.Type, m => m.Manifest);
}
