namespace Singa.Actors.Devices.Tests;

public sealed class DeviceCatalogSpecs
{
    [Theory]
    [InlineData(null, null, 4, "cpu:0*4")]
    [InlineData("", null, 2, "cpu:0*2")]
    [InlineData("cpu:0", 3, 8, "cpu:0*3")]
    [InlineData("cpu=2", null, 8, "cpu:0*4 cpu:1*4")]
    [InlineData("cpu=4", null, 2, "cpu:0*1 cpu:1*1 cpu:2*1 cpu:3*1")]
    [InlineData(" cpu:1 , null:0", null, 4, "cpu:1*4 null:0*1")]
    public void Names_become_devices(string? list, int? threads, int cores, string expected) =>
        Assert.Equal(expected, string.Join(' ', DeviceCatalog.Parse(list, threads, cores).Select(d => $"{d}*{d.Threads}")));

    [Theory]
    [InlineData("opencl:0", "'opencl:0': there is no device of kind 'opencl' here; this build knows cpu, null")]
    [InlineData("cpu", "'cpu' is no device: write KIND:INDEX as in cpu:0, or KIND=N as in cpu=2")]
    [InlineData("cpu:x", "'cpu:x' is no device: write KIND:INDEX as in cpu:0, or KIND=N as in cpu=2")]
    [InlineData("cpu:0,", "'' is no device: write KIND:INDEX as in cpu:0, or KIND=N as in cpu=2")]
    [InlineData("cpu=0", "'cpu=0': a machine makes 1 to 255 devices of a kind")]
    [InlineData("cpu:1,cpu=2", "device cpu:1 is named twice in 'cpu:1,cpu=2'")]
    public void Mistakes_are_named(string list, string expected) =>
        Assert.Equal(expected, Assert.Throws<DeviceNotFoundException>(() => DeviceCatalog.Parse(list, null, 2)).Message);

    [Fact]
    public void A_device_without_threads_is_refused() =>
        Assert.Contains("at least 1 thread", Assert.Throws<DeviceNotFoundException>(() => DeviceCatalog.Parse("cpu:0", 0, 2)).Message);
}
