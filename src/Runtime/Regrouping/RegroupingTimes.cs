namespace Singa.Actors.Runtime.Regrouping;

/// <summary>How long whom is waited for when a generation ends.</summary>
/// <param name="Repeat">Between two askings of those who have not answered; answers are expected within less.</param>
/// <param name="SilenceGrace">How long nodes that say nothing are waited for where the others may go on without them.</param>
/// <param name="HoldGrace">How long a conductor may have said nothing, when there is trouble, before a seat asks itself; a good deal longer than conductors pause.</param>
/// <param name="Stagger">By how much later each further rank asks, so that rarely two do.</param>
/// <param name="ConductorPatience">How long a conductor may say nothing while steps go well.</param>
/// <param name="RestPatience">How long a node that lives may take to bring its workers to rest, where the others may go on without it.</param>
/// <param name="ReadyPatience">How long a node that lives may take to make its workers ready: plans are compiled, a replica travels.</param>
public sealed record RegroupingTimes(
    TimeSpan Repeat, TimeSpan SilenceGrace, TimeSpan HoldGrace, TimeSpan Stagger, TimeSpan ConductorPatience, TimeSpan RestPatience, TimeSpan ReadyPatience)
{
    public static readonly RegroupingTimes Default = new(
        TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(1000), TimeSpan.FromMilliseconds(100),
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(2));
}
