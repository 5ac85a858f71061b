using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Singa.Actors.Collective;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Models;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>
/// A checkpoint as one safetensors file: the replica under its own names, the best weights under <c>best/…</c>, everything else as JSON in
/// the header. The last tensor is the SHA-256 of all bytes before it: whatever byte of the file changes, it shows.
/// </summary>
internal static class CheckpointFile
{
    public const string MetadataKey = "checkpoint", ChecksumName = "checkpoint/sha256";

    private const string BestPrefix = "best/";
    private const int PieceBytes = 1 << 20;

    /// <exception cref="IOException"/>
    /// <exception cref="OperationCanceledException"/>
    public static void Write(Stream target, Checkpoint checkpoint, CancellationToken cancellation = default)
    {
        NamedTensor checksum = new(ChecksumName, new TensorType(DType.UInt8, Shape.Of(SHA256.HashSizeInBytes)), new byte[SHA256.HashSizeInBytes]);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in Parts(checkpoint, checksum)[..^1])
            Put(part);
        target.Write(hash.GetHashAndReset());

        void Put(ReadOnlyMemory<byte> bytes)
        {
            for (int at = 0; at < bytes.Length; at += PieceBytes)
            {
                cancellation.ThrowIfCancellationRequested();
                var piece = bytes.Span.Slice(at, Math.Min(PieceBytes, bytes.Length - at));
                hash.AppendData(piece);
                target.Write(piece);
            }
        }
    }

    /// <summary>The same without a checksum, for who fetches it from a peer. Nothing is copied: it is read where the values are.</summary>
    public static Blob Blob(Checkpoint checkpoint) => new BlobParts(Parts(checkpoint)).ToBlob();

    /// <exception cref="CheckpointDamagedException">It is no checkpoint.</exception>
    public static Checkpoint Parse(ReadOnlyMemory<byte> bytes, string name)
    {
        try
        {
            using var stream = new MemoryStream(bytes.ToArray(), writable: false);
            return Parse(SafeTensorsReader.Read(stream, name, asStored: true));
        }
        catch (Exception e) when (e is ModelFileException or JsonException or ArgumentException or KeyNotFoundException)
        {
            throw new CheckpointDamagedException($"what was fetched as {name} is no replica: {e.Message}");
        }
    }

    private static ReadOnlyMemory<byte>[] Parts(Checkpoint checkpoint, params NamedTensor[] last)
    {
        NamedTensor[] tensors =
        [
            .. checkpoint.State.Replica.Values.Select(v => v.Tensor),
            .. checkpoint.State.Best?.Values.Select(v => v.Tensor with { Name = BestPrefix + v.Name }) ?? [],
            .. last,
        ];
        return [SafeTensors.Header(tensors, new Dictionary<string, string> { [MetadataKey] = Header(checkpoint).ToString() }), .. tensors.Select(t => t.Data)];
    }

    /// <exception cref="CheckpointDamagedException">The file is not as it was written, or cannot be read.</exception>
    public static Checkpoint Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, PieceBytes);
            Verify(file);
            file.Position = 0;
            return Parse(SafeTensorsReader.Read(file, path, asStored: true));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointDamagedException($"it cannot be read: {e.Message}");
        }
        catch (Exception e) when (e is ModelFileException or JsonException or ArgumentException or KeyNotFoundException)
        {
            throw new CheckpointDamagedException("it is no checkpoint");
        }
    }

    private static void Verify(FileStream file)
    {
        long bytes = file.Length - SHA256.HashSizeInBytes;
        if (bytes <= 0)
            throw new CheckpointDamagedException($"it has only {file.Length} bytes");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[PieceBytes];
        for (long left = bytes; left > 0;)
        {
            int read = file.ReadAtLeast(piece.AsSpan(0, (int)Math.Min(piece.Length, left)), 1);
            hash.AppendData(piece, 0, read);
            left -= read;
        }

        var written = piece.AsSpan(0, SHA256.HashSizeInBytes);
        file.ReadExactly(written);
        if (!written.SequenceEqual(hash.GetHashAndReset()))
            throw new CheckpointDamagedException("its bytes do not match its checksum");
    }

    private static CheckpointHeader Header(Checkpoint checkpoint) => new()
    {
        Format = CheckpointHeader.CurrentFormat,
        Step = checkpoint.State.Step,
        Cursor = checkpoint.Cursor,
        Generation = checkpoint.Generation.Number,
        Job = new SortedDictionary<string, string>(checkpoint.Job.Parts.ToDictionary(), StringComparer.Ordinal),
        Statistics = [.. checkpoint.State.Replica.Statistics.Select(t => t.Name)],
        OptimizerState = [.. checkpoint.State.Replica.OptimizerState.Select(t => t.Name)],
        EarlyStopping = checkpoint.State.Stopping,
        Outcome = checkpoint.Outcome,
    };

    private static Checkpoint Parse(SafeTensorsFile file)
    {
        var header = CheckpointHeader.Parse(file.Metadata[MetadataKey]);
        if (header.Format != CheckpointHeader.CurrentFormat)
            throw new CheckpointDamagedException($"its format is {header.Format} and this version reads {CheckpointHeader.CurrentFormat}");
        var (statistics, states) = (header.Statistics.ToHashSet(), header.OptimizerState.ToHashSet());
        var values = file.Tensors.Where(t => t.Name != ChecksumName).ToLookup(t => t.Name.StartsWith(BestPrefix, StringComparison.Ordinal), t => t);
        var replica = new Replica([.. values[false].Select(Value)]);
        var best = values[true].Select(t => Value(t with { Name = t.Name[BestPrefix.Length..] })).ToImmutableArray();
        return new Checkpoint(
            new JobIdentity(header.Job.ToImmutableSortedDictionary(StringComparer.Ordinal)), new Generation(header.Generation),
            new JobState(header.Step, replica, header.EarlyStopping, best.IsEmpty ? null : new Replica(best)), header.Cursor, header.Outcome);

        ReplicaValue Value(NamedTensor tensor) => new(
            statistics.Contains(tensor.Name) ? VariableKind.Statistic : states.Contains(tensor.Name) ? VariableKind.OptimizerState : VariableKind.Parameter,
            tensor);
    }
}

/// <summary>A checkpoint that cannot be used. The message is the reason, as in "its bytes do not match its checksum".</summary>
internal sealed class CheckpointDamagedException(string reason) : Exception(reason);
