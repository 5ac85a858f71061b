namespace Singa.Actors.Collective;

/// <summary>
/// How long the first who arrives in a round waits for the others: <c>Factor</c> times what is usual between the first and the last, and
/// never less than <c>Least</c>. <c>FirstLeast</c>: the least in a generation's first round, where code is warmed up and nothing is usual yet.
/// </summary>
public sealed record StepDeadline(TimeSpan Least, TimeSpan FirstLeast, double Factor)
{
    /// <summary>The same for every round.</summary>
    public static StepDeadline Of(TimeSpan fixedTime) => new(fixedTime, fixedTime, 0);
}
