namespace Singa.Actors.Runtime.Coordination;

/// <summary>How the held-back loss has gone so far, for early stopping.</summary>
/// <param name="Best">The figures with the lowest loss; null before any that was a number.</param>
/// <param name="BestStep">Steps that had been taken then.</param>
/// <param name="Waited">Tests since then that were no better.</param>
public sealed record StoppingState(TestFigures? Best, long BestStep, int Waited)
{
    public static readonly StoppingState Beginning = new(null, 0, 0);

    /// <summary>After one more test. A loss that is not a number is no better than any.</summary>
    /// <param name="steps">Steps taken before the test.</param>
    /// <param name="minDelta">By how much the loss must fall to count.</param>
    public StoppingState After(TestFigures figures, long steps, double minDelta) =>
        double.IsFinite(figures.Loss) && (Best is null || figures.Loss < Best.Loss - minDelta) ? new(figures, steps, 0) : this with { Waited = Waited + 1 };
}
