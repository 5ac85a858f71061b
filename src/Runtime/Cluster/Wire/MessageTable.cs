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
        ("cg", typeof(CoordinatorProtocol.GetJob)),
        ("ch", typeof(CoordinatorProtocol.GetJobs)),
        ("gj", typeof(JobStatus)),
        ("cd", typeof(CoordinatorProtocol.GetDevices)),
        ("ce", typeof(CoordinatorProtocol.OfferedDevices)),

        ("ju", typeof(CoordinatorProtocol.SubmitJob)),
        ("jk", typeof(CoordinatorProtocol.ConductJob)),
        ("jl", typeof(CoordinatorProtocol.JobConducted)),
        ("jm", typeof(CoordinatorProtocol.JobLeft)),
        ("jn", typeof(CoordinatorProtocol.AllotDevices)),
        ("jo", typeof(CoordinatorProtocol.DismissNode)),
        ("jb", typeof(CoordinatorProtocol.JobWaiting)),
        ("jg", typeof(CoordinatorProtocol.JobRegrouped)),
        ("ja", typeof(CoordinatorProtocol.JobAccepted)),
        ("jr", typeof(CoordinatorProtocol.JobRejected)),
        ("js", typeof(CoordinatorProtocol.StepCommitted)),
        ("jc", typeof(CoordinatorProtocol.JobCompleted)),
        ("jf", typeof(CoordinatorProtocol.JobFailed)),
        ("jp", typeof(CoordinatorProtocol.PauseJob)),
        ("jq", typeof(CoordinatorProtocol.JobPaused)),
        ("jd", typeof(CoordinatorProtocol.ResumeJob)),
        ("jv", typeof(CoordinatorProtocol.JobResumed)),
        ("jt", typeof(CoordinatorProtocol.StopJob)),
        ("jw", typeof(CoordinatorProtocol.JobStopped)),
        ("jx", typeof(CoordinatorProtocol.CancelJob)),
        ("jh", typeof(CoordinatorProtocol.EndingHeard)),
        ("jy", typeof(CoordinatorProtocol.JobCancelled)),

        ("wa", typeof(WorkerProtocol.PrepareJob)),
        ("wb", typeof(WorkerProtocol.JobPrepared)),
        ("wc", typeof(WorkerProtocol.PreparationFailed)),
        ("wd", typeof(WorkerProtocol.StartGeneration)),
        ("we", typeof(WorkerProtocol.NodeReady)),
        ("wf", typeof(WorkerProtocol.WorkerReady)),
        ("wg", typeof(WorkerProtocol.WorkerRejected)),
        ("wh", typeof(WorkerProtocol.BeginSteps)),
        ("wi", typeof(WorkerProtocol.StepCompleted)),
        ("wj", typeof(WorkerProtocol.EvaluationCompleted)),
        ("wk", typeof(WorkerProtocol.HoldSteps)),
        ("wl", typeof(WorkerProtocol.StepsHeld)),
        ("wm", typeof(WorkerProtocol.RunSteps)),
        ("wn", typeof(WorkerProtocol.TestJudged)),
        ("wo", typeof(WorkerProtocol.SaveReplica)),
        ("wp", typeof(WorkerProtocol.ReplicaSaved)),
        ("wq", typeof(WorkerProtocol.SaveFailed)),
        ("wr", typeof(WorkerProtocol.FinishSteps)),
        ("ws", typeof(WorkerProtocol.WorkerFinished)),
        ("wt", typeof(WorkerProtocol.WorkerFailed)),
        ("wu", typeof(WorkerProtocol.WorkerInterrupted)),
        ("wv", typeof(WorkerProtocol.HoldJob)),
        ("ww", typeof(WorkerProtocol.HoldHeard)),
        ("wx", typeof(WorkerProtocol.JobHeld)),
        ("wy", typeof(WorkerProtocol.HoldRejected)),
        ("wz", typeof(WorkerProtocol.StepsRecorded)),
        ("wA", typeof(WorkerProtocol.NodeFailed)),
        ("wB", typeof(WorkerProtocol.ReleaseJob)),
        ("wC", typeof(WorkerProtocol.JobReleased)),
        ("wD", typeof(WorkerProtocol.ForgetJob)),
        ("wE", typeof(WorkerProtocol.ExpectGeneration)),

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
