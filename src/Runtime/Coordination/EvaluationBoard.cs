using System.Collections.Immutable;
using Singa.Actors.Runtime.Jobs;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Coordination;

/// <summary>Collects the sums of one test, wherever its batches ran, and adds them in order of the batches: who ran what leaves no trace.</summary>
public sealed class EvaluationBoard(EvaluationSchedule schedule, Figures figures)
{
    private readonly BatchSums?[] sums = new BatchSums?[schedule.Batches];
    private int missing = schedule.Batches;

    public bool IsComplete => missing == 0;

    public void Put(int first, ImmutableArray<BatchSums> batches)
    {
        for (int i = 0; i < batches.Length; i++)
        {
            if (sums[first + i] is not null)
                throw new InvalidOperationException($"test batch {first + i} was reported twice");
            sums[first + i] = batches[i];
            missing--;
        }
    }

    public TestFigures Figures()
    {
        double loss = 0, correct = 0, among = 0;
        foreach (var batch in sums)
        {
            loss += batch!.Value.Loss;
            correct += batch.Value.Correct;
            among += batch.Value.Among;
        }

        return figures.Test(loss, correct, among, schedule.Samples);
    }
}
