using System.Collections.Immutable;
using Singa.Actors.Runtime;
using Singa.Actors.Runtime.Cluster.Gate;

namespace Singa.Actors.Samples.MultiNode;

/// <summary>A process of this program: <c>State</c> as the cluster sees it, <c>Rank</c> and <c>Shards</c> where it trains at the moment.</summary>
internal sealed record SceneNode(string Name, int Process, string Address, string State, bool Coordinator, int? Rank, string Shards, TimeSpan StepTime);

/// <summary>All that there is to see at one moment.</summary>
internal sealed record Scene(
    TrainingFacts Facts, TrainingProgress? Progress, int Killed, ImmutableArray<SceneNode> Nodes)
{
    /// <param name="processes">Name, process and address of those that live.</param>
    /// <param name="status">What the cluster last said; null where it has not yet.</param>
    public static Scene Of(
        ITrainingRun run, TrainingProgress? progress, ClusterStatus? status, int killed, IEnumerable<(string Name, int Process, string Address)> processes)
    {
        var facts = run.Facts;
        return new Scene(facts, progress, killed, [.. processes.Select(Node)]);

        SceneNode Node((string Name, int Process, string Address) of)
        {
            var member = status?.Members.FirstOrDefault(m => m.Node == of.Address);
            var seats = facts.Workers.Select((w, rank) => (Worker: w, Rank: rank)).Where(s => s.Worker.Worker.StartsWith($"{of.Address}/", StringComparison.Ordinal) && s.Worker.Shards.Count > 0).ToArray();
            var seen = status?.Jobs.SelectMany(j => j.Workers).FirstOrDefault(w => w.Worker.StartsWith($"{of.Address}/", StringComparison.Ordinal));
            return new SceneNode(
                of.Name, of.Process, of.Address, member?.State ?? "joins", member?.Coordinator == true, seats.Length == 0 ? null : seats[0].Rank,
                string.Join(", ", seats.Select(s => s.Worker.Shards)), seen?.StepTime ?? TimeSpan.Zero);
        }
    }
}
