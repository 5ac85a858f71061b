using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>The reports of one step, until every worker has made one.</summary>
internal sealed class StepBoard(WorkerProtocol.StepCompleted first, ShardLedger ledger)
{
    /// <summary>Who reported first.</summary>
    public int Rank => first.Rank;

    public float LossSum => first.LossSum;

    public float Correct => first.Correct;

    /// <summary>Who computed it.</summary>
    public ShardLedger Ledger => ledger;

    public int Reports { get; private set; }

    /// <summary>It has happened, whoever has not reported.</summary>
    public bool IsSettled { get; set; }

    /// <summary>The slowest worker's.</summary>
    public TimeSpan StepTime { get; private set; }

    public string? Digest { get; private set; }

    /// <summary>Every worker has the same totals, to the bit: they are sums along one tree.</summary>
    public bool Agrees(WorkerProtocol.StepCompleted other) =>
        BitConverter.SingleToInt32Bits(other.LossSum) == BitConverter.SingleToInt32Bits(LossSum) && other.Correct.Equals(Correct);

    public void Put(WorkerProtocol.StepCompleted report)
    {
        Reports++;
        StepTime = report.StepTime > StepTime ? report.StepTime : StepTime;
        Digest ??= report.Digest;
    }
}
