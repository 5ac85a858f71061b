using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Jobs;
using static Singa.Actors.Runtime.Tests.Checkpoints.SampleCheckpoint;

namespace Singa.Actors.Runtime.Tests.Checkpoints;

public sealed class CheckpointStoreTests : IDisposable
{
    private const long Total = 1000;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_empty_folder_is_the_beginning()
    {
        var store = CheckpointStore.Open(folder["made/on/the/way"]);
        Assert.Null(store.Find(Job, Total));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder["made/on/the/way"]));
    }

    [Fact]
    public void The_last_two_are_kept_and_the_last_is_found()
    {
        Save(1, 2, 10, 30);
        Assert.Equal(["step-000000010.safetensors", "step-000000030.safetensors"], Names());
        var found = Find()!;
        Assert.Equal((30L, folder["step-000000030.safetensors"], false), (found.Checkpoint.State.Step, found.Path, found.IsTheEnd));
        Assert.Empty(found.Warnings);
    }

    [Fact]
    public void A_damaged_one_is_named_and_the_one_before_it_used_and_then_gone()
    {
        Save(10, 20);
        Damage(20);
        var store = CheckpointStore.Open(folder.Path);
        var found = store.Find(Job, Total)!;
        Assert.Equal(10, found.Checkpoint.State.Step);
        Assert.Equal(
            $"checkpoint {Path(20)} is damaged (its bytes do not match its checksum), using {Path(10)}", Assert.Single(found.Warnings));
        store.Save(At(15));
        Assert.Equal(["step-000000010.safetensors", "step-000000015.safetensors"], Names());
    }

    [Fact]
    public void Where_none_is_whole_nothing_is_overwritten()
    {
        Save(10, 20);
        Damage(10);
        Damage(20);
        var refusal = Assert.Throws<JobRefusedException>(Find);
        Assert.Contains(Path(10), refusal.Message);
        Assert.Contains(Path(20), refusal.Message);
        Assert.Contains("remove them to train from the beginning", refusal.Message);
        Assert.Equal(2, Names().Length);
    }

    [Fact]
    public void A_crash_between_writing_and_renaming_leaves_what_was_there()
    {
        Save(10, 20);
        File.Copy(Path(20), $"{Path(30)}.123-1.tmp");
        File.WriteAllText(folder["step-000000040.safetensors.9-9.tmp"], "half a");
        File.WriteAllText(folder["model.safetensors"], "of somebody else");
        Assert.Equal(20, Find()!.Checkpoint.State.Step);
        Assert.Equal(["model.safetensors", "step-000000010.safetensors", "step-000000020.safetensors"], Names());
    }

    [Fact]
    public void A_full_disk_costs_the_new_one_and_no_other()
    {
        Save(10, 20);
        int opened = 0;
        var store = CheckpointStore.Open(folder.Path, path => opened++ == 0 ? File.Create(path) : new FullDisk(File.Create(path)));
        store.Find(Job, Total);
        Assert.Equal("the disk is full", Assert.Throws<IOException>(() => store.Save(At(30))).Message);
        Assert.Equal(["step-000000010.safetensors", "step-000000020.safetensors"], Names());
    }

    [Fact]
    public void What_is_given_up_leaves_nothing()
    {
        Save(10, 20);
        Assert.Throws<OperationCanceledException>(() => CheckpointStore.Open(folder.Path).Save(At(30), new CancellationToken(canceled: true)));
        Assert.Equal(["step-000000010.safetensors", "step-000000020.safetensors"], Names());
    }

    [Fact]
    public void Saving_a_step_again_keeps_the_one_before_it()
    {
        Save(10, 20);
        var store = CheckpointStore.Open(folder.Path);
        store.Find(Job, Total);
        store.Save(At(20, Outcome));
        Assert.Equal(["step-000000010.safetensors", "step-000000020.safetensors"], Names());
        Assert.NotNull(Find()!.Checkpoint.Outcome);
    }

    [Fact]
    public void Another_jobs_checkpoint_is_refused_with_what_differs()
    {
        Save(10);
        var other = new JobIdentity(Job.Parts.SetItem("seed", "2"));
        Assert.Equal(
            $"checkpoint {Path(10)} belongs to another job: seed is 1 there and 2 here; name another folder, or remove it to train this one from the beginning",
            Assert.Throws<JobRefusedException>(() => CheckpointStore.Open(folder.Path).Find(other, Total)).Message);
    }

    [Fact]
    public void The_end_is_an_end_for_a_job_of_just_as_many_steps()
    {
        CheckpointStore.Open(folder.Path).Save(At(100, Outcome));
        Assert.True(Find(100)!.IsTheEnd);
        Assert.False(Find(200)!.IsTheEnd);
        Assert.Contains("has 100 steps behind it and this job has 50 in all", Assert.Throws<JobRefusedException>(() => Find(50)).Message);

        CheckpointStore.Open(folder.Path).Save(At(100, Outcome with { StoppedEarly = true }));
        Assert.True(Find(200)!.IsTheEnd);
    }

    [Fact]
    public void A_checkpoint_ahead_of_the_records_gives_way_to_one_that_they_reach()
    {
        Save(10, 20);
        Assert.Equal(20, Find(recorded: 25)!.Checkpoint.State.Step);
        Assert.Equal(20, Find(recorded: 20)!.Checkpoint.State.Step);
        Assert.Equal(10, Find(recorded: 19)!.Checkpoint.State.Step);
        Assert.Equal(20, Find(recorded: 9)!.Checkpoint.State.Step);
    }

    [Fact]
    public void Where_nothing_can_be_written_the_job_is_refused()
    {
        string file = folder.Write("file", [1]);
        Assert.StartsWith($"checkpoints cannot be written to {file}", Assert.Throws<JobRefusedException>(() => CheckpointStore.Open(file)).Message);
    }

    private FoundCheckpoint? Find() => Find(Total);

    private FoundCheckpoint? Find(long total = Total, long? recorded = null) => CheckpointStore.Open(folder.Path).Find(Job, total, recorded);

    private void Save(params long[] steps)
    {
        var store = CheckpointStore.Open(folder.Path);
        foreach (long step in steps)
            store.Save(At(step));
    }

    private void Damage(long step)
    {
        var bytes = File.ReadAllBytes(Path(step));
        bytes[^40] ^= 1;
        File.WriteAllBytes(Path(step), bytes);
    }

    private string Path(long step) => folder[$"step-{step:D9}.safetensors"];

    private string[] Names() => [.. Directory.EnumerateFiles(folder.Path).Select(System.IO.Path.GetFileName).Order(StringComparer.Ordinal)!];

    private sealed class FullDisk(Stream file) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count)
        {
            if (file.Length + count > 700)
                throw new IOException("the disk is full");
            file.Write(buffer, offset, count);
        }

        public override void Flush() => file.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing) => file.Dispose();
    }
}
