using Singa.Actors.Devices.Queue;

namespace Singa.Actors.Devices.Tests.Queue;

/// <summary>Remembers what a submission's listener is told.</summary>
internal sealed class Heard : ISubmissionListener
{
    public List<long> CompletedTags { get; } = [];

    public List<(long Tag, string Reason)> Failures { get; } = [];

    public void Completed(long tag, TimeSpan busy) => CompletedTags.Add(tag);

    public void Failed(long tag, string reason, bool byPeers) => Failures.Add((tag, reason));
}
