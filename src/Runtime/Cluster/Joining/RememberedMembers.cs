using System.Collections.Immutable;
using System.Text.Json;

namespace Singa.Actors.Runtime.Cluster.Joining;

/// <summary>The members that a node has seen last, in a small file, so that it finds them again after a restart.</summary>
/// <param name="folder">Null: nothing is remembered.</param>
internal sealed class RememberedMembers(string? folder, NodeAddress self, bool fixedPort)
{
    private readonly Lock gate = new();
    private Memory? written;

    /// <summary>A node with any port goes by its folder, which somebody gave it for its own.</summary>
    private string? File => folder is null ? null : Path.Combine(folder, fixedPort ? $"{self.Host.Replace(':', '_')}-{self.Port}.members.json" : "members.json");

    /// <summary>What cannot be read is as good as nothing: the seeds are still there.</summary>
    public (string? Cluster, ImmutableArray<NodeAddress> Members) Read()
    {
        try
        {
            if (File is null || JsonSerializer.Deserialize<Memory>(System.IO.File.ReadAllText(File)) is not { Cluster: { } cluster, Members: { } members })
                return (null, []);
            return (cluster, [.. members.Select(m => NodeAddress.TryParse(m, out var address) ? address : null).OfType<NodeAddress>().Where(m => m != self)]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return (null, []);
        }
    }

    /// <returns>Why it could not be written; null if it was, or is there already.</returns>
    public string? Write(string cluster, IEnumerable<NodeAddress> members)
    {
        lock (gate)
        {
            var memory = new Memory(cluster, [.. members.Where(m => m != self).Order().Select(m => m.ToString())]);
            // Alone again: those that were there last are still whom to ask first.
            if (File is null || memory.Members.Length == 0 || (written is not null && written.Cluster == cluster && written.Members.SequenceEqual(memory.Members)))
                return null;
            try
            {
                Directory.CreateDirectory(folder!);
                string draft = $"{File}.{Environment.ProcessId}.tmp";
                System.IO.File.WriteAllText(draft, JsonSerializer.Serialize(memory));
                System.IO.File.Move(draft, File, overwrite: true);
                written = memory;
                return null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return exception.Message;
            }
        }
    }

    private sealed record Memory(string Cluster, string[] Members);
}
