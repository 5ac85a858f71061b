using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Models;
using static Singa.Actors.Runtime.Tests.Checkpoints.SampleCheckpoint;

namespace Singa.Actors.Runtime.Tests.Checkpoints;

public sealed class CheckpointFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_was_written_is_read()
    {
        foreach (var checkpoint in new[] { At(7), At(9, Outcome), At(9, Outcome with { Test = null, StoppedEarly = true }) })
            Assert.Equal(Text(checkpoint), Text(CheckpointFile.Read(Written(checkpoint))));
    }

    [Fact]
    public void Figures_that_are_no_numbers_survive() =>
        Assert.Equal(double.NaN, CheckpointFile.Read(Written(At(9, Outcome with { Test = new TestFigures(double.NaN, null) }))).Outcome!.Test!.Loss);

    /// <summary>Whoever has a reader of safetensors can look into it.</summary>
    [Fact]
    public void It_is_a_safetensors_file_with_JSON_in_its_header()
    {
        var file = SafeTensors.Load(Written(At(7)));
        Assert.Equal(
            ["best/fc.bias", "best/norm.mean", "checkpoint/sha256", "fc.bias", "fc.bias/momentum", "norm.mean"], file.Tensors.Select(t => t.Name));
        var json = System.Text.Json.JsonDocument.Parse(file.Metadata["checkpoint"]).RootElement;
        Assert.Equal((7, "1"), (json.GetProperty("step").GetInt32(), json.GetProperty("job").GetProperty("seed").GetString()));
    }

    [Fact]
    public void One_changed_byte_shows_wherever_it_is()
    {
        string path = Written(At(7));
        var bytes = File.ReadAllBytes(path);
        for (int at = 0; at < bytes.Length; at++)
        {
            bytes[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(path, bytes);
            Assert.Equal("its bytes do not match its checksum", Assert.Throws<CheckpointDamagedException>(() => CheckpointFile.Read(path)).Message);
            bytes[at] ^= (byte)(1 << (at % 8));
        }
    }

    [Fact]
    public void A_file_that_breaks_off_anywhere_is_damaged()
    {
        string path = Written(At(7));
        var bytes = File.ReadAllBytes(path);
        for (int length = 0; length < bytes.Length; length += 13)
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.Throws<CheckpointDamagedException>(() => CheckpointFile.Read(path));
        }

        File.WriteAllBytes(path, [.. bytes, 0]);
        Assert.Throws<CheckpointDamagedException>(() => CheckpointFile.Read(path));
    }

    [Fact]
    public void A_whole_file_that_is_no_checkpoint_says_so()
    {
        var bytes = new byte[1000];
        System.Security.Cryptography.SHA256.HashData(bytes.AsSpan(0, 968)).CopyTo(bytes, 968);
        Assert.Equal("it is no checkpoint", Assert.Throws<CheckpointDamagedException>(() => CheckpointFile.Read(folder.Write("x", bytes))).Message);
        Assert.StartsWith("it cannot be read", Assert.Throws<CheckpointDamagedException>(() => CheckpointFile.Read(folder["nowhere"])).Message);
    }

    private string Written(Checkpoint checkpoint)
    {
        using var file = new MemoryStream();
        CheckpointFile.Write(file, checkpoint);
        return folder.Write("checkpoint", file.ToArray());
    }
}
